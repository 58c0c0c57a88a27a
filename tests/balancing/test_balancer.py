"""The engine against plain autograd, on small models without any translation in them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn

from catscale import CATS, Fixed, TaskBalancer
from catscale.balancing import Request, Signals, State
from catscale.errors import CheckpointError, ConfigError, DivergedError

TASKS = ["a", "b", "c"]
ALPHA = [0.5, 2.0, 0.25]


class Net(nn.Module):
    """A trunk with a tied embedding, one frozen layer, a parameter that only task a uses, and a head a task."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.hidden = nn.Linear(6, 6)
        self.frozen = nn.Linear(6, 6).requires_grad_(False)
        self.rare = nn.Parameter(torch.full((6,), 0.3))
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({task: nn.Linear(6, 1) for task in TASKS})
        self.calls = 0

    def shared(self) -> list[nn.Parameter]:
        return [p for n, p in self.named_parameters() if not n.startswith("heads.")]

    def forward(self, task: str, words: Tensor) -> Tensor:
        self.calls += 1
        x = torch.tanh(self.dropout(self.hidden(self.embedding(words))))
        x = torch.tanh(self.frozen(x)) + (self.rare if task == "a" else 0)
        scores = nn.functional.cross_entropy(x @ self.embedding.weight.T, words.roll(1))
        return scores + self.heads[task](x).square().mean()


def network(dtype: torch.dtype = torch.float64, dropout: float = 0.0) -> Net:
    torch.manual_seed(0)
    return Net(dropout).to(dtype)


def batches(tasks: list[str] = TASKS) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    drawn = {task: torch.randint(11, (9,), generator=generator) for task in TASKS}
    return {task: drawn[task] for task in tasks}


def paper(m: int = 1) -> CATS:
    return CATS(formulation="paper", inner_steps=m, alpha_lr=0.001, multiplier_lr=0.1)


def balancer(model: Net, due: bool, method: CATS | None = None) -> TaskBalancer:
    """With α = ALPHA, and a coming step that does or does not measure the Gram matrix."""
    made = TaskBalancer(method or paper(1 if due else 50), TASKS, model.shared())
    made.state = replace(made.state, alpha=torch.tensor(ALPHA, dtype=torch.float64))
    assert (made.method.request(made.state).kind != "nothing") is due
    return made


def gradients(model: Net) -> dict[str, Tensor | None]:
    return {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()}


def assert_same(found: dict[str, Tensor | None], wanted: dict[str, Tensor | None], rtol: float = 1e-9) -> None:
    for name, expected in wanted.items():
        if expected is None or not expected.any():
            assert found[name] is None or not found[name].any(), name
        else:
            torch.testing.assert_close(
                found[name], expected, rtol=rtol, atol=rtol * 1e-2, msg=lambda m, n=name: f"{n}: {m}"
            )


def plain(model: Net, given: dict[str, Tensor], weights: list[float] = ALPHA) -> dict[str, Tensor | None]:
    """(Σ α_n L_n).backward()"""
    sum(weights[TASKS.index(task)] * model(task, words) for task, words in given.items()).backward()
    return gradients(model)


def as_tensors(model: Net, given: dict[str, Tensor]) -> dict[str, object]:
    return {task: model(task, words) for task, words in given.items()}


def as_callables(model: Net, given: dict[str, Tensor]) -> dict[str, object]:
    return {task: lambda t=task, w=words: model(t, w) for task, words in given.items()}


def as_parts(model: Net, given: dict[str, Tensor]) -> dict[str, object]:
    """Two parts a task, a tensor and a function."""
    return {
        task: [model(task, words) * 0.3, lambda t=task, w=words: model(t, w) * 0.7] for task, words in given.items()
    }


def as_one_graph(model: Net, given: dict[str, Tensor]) -> dict[str, object]:
    """Losses that share the trunk of one forward pass."""
    x = torch.tanh(model.hidden(model.embedding(torch.arange(9))))
    return {task: model.heads[task](x).square().mean() + (x**2).mean() for task in given}


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
@pytest.mark.parametrize("form", [as_tensors, as_callables, as_parts])
@pytest.mark.parametrize("present", [["a"], ["c", "a"], ["b", "c", "a"]], ids="".join)
def test_grad_is_what_one_backward_of_the_weighted_sum_leaves(due: bool, form: Callable, present: list[str]) -> None:
    model, twin = network(), network()
    given = batches(present)
    wanted = plain(twin, given)
    result = balancer(model, due).backward(form(model, given))
    assert_same(gradients(model), wanted)
    assert model.frozen.weight.grad is None
    assert result.weights == {task: ALPHA[TASKS.index(task)] for task in present}
    assert result.losses == pytest.approx({task: twin(task, words).item() for task, words in given.items()})
    assert (result.curvature is not None) is due


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_losses_may_share_one_graph(due: bool) -> None:
    model, twin = network(), network()
    losses = as_one_graph(twin, batches())
    sum(weight * losses[task] for task, weight in zip(TASKS, ALPHA, strict=True)).backward()
    balancer(model, due).backward(as_one_graph(model, batches()))
    assert_same(gradients(model), gradients(twin))


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_what_grad_held_before_is_kept(due: bool) -> None:
    model, twin = network(), network()
    for net in (model, twin):
        net("b", torch.arange(9)).backward()
    wanted = plain(twin, batches())
    balancer(model, due).backward(as_callables(model, batches()))
    assert_same(gradients(model), wanted)


def test_a_method_whose_weights_wait_for_the_gradients() -> None:
    """Weights by gradient norm, in float32: neither is CATS's way, and the engine knows neither."""

    class ByNorm(Fixed):
        def request(self, state: State) -> Request:
            return Request("gramian")

        def weights(self, state: State, task_ids: Tensor) -> None:
            return None

        def step(self, state: State, signals: Signals) -> tuple[Tensor, State]:
            return signals.gramian.diagonal().rsqrt().float(), state

    model, twin = network(), network()
    given = batches()
    result = TaskBalancer(ByNorm(), TASKS, model.shared()).backward(as_callables(model, given))
    norms = {}
    for task, words in given.items():
        found = torch.autograd.grad(twin(task, words), [p for p in twin.shared() if p.requires_grad], allow_unused=True)
        norms[task] = sum(g.square().sum() for g in found if g is not None).sqrt().item()
    assert result.gradient_norms == pytest.approx(norms)
    twin.zero_grad()
    wanted = plain(twin, given, [1 / norms[task] for task in TASKS])
    shared = {n: g for n, g in wanted.items() if not n.startswith("heads.")}
    assert_same({n: g for n, g in gradients(model).items() if n in shared}, shared, rtol=1e-6)


@pytest.mark.parametrize("present", [["a", "b", "c"], ["c", "a"]], ids="".join)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_gram_matrix_is_that_of_dense_gradients(present: list[str], dtype: torch.dtype) -> None:
    """Tied embeddings included: the gradient of a table is the sum over its uses, cross terms and all."""
    seen: list[Signals] = []

    class Spy(CATS):
        def step(self, state: State, signals: Signals) -> tuple[Tensor, State]:
            seen.append(signals)
            return super().step(state, signals)

    model, twin = network(dtype), network()
    given = batches(present)
    method = Spy(formulation="paper", inner_steps=1)
    result = balancer(model, True, method).backward(as_callables(model, given))
    shared = [p for p in twin.shared() if p.requires_grad]
    rows = []
    for task, words in given.items():
        found = torch.autograd.grad(twin(task, words), shared, allow_unused=True)
        rows.append(
            torch.cat(
                [
                    torch.zeros_like(p).flatten() if g is None else g.flatten()
                    for p, g in zip(shared, found, strict=True)
                ]
            )
        )
    stacked = torch.stack(rows)
    tolerance = {"rtol": 1e-10, "atol": 1e-12} if dtype == torch.float64 else {"rtol": 1e-5, "atol": 1e-6}
    torch.testing.assert_close(seen[0].gramian, stacked @ stacked.T, **tolerance)
    assert seen[0].task_ids.tolist() == [TASKS.index(task) for task in present]
    combined = torch.tensor([ALPHA[i] for i in seen[0].task_ids.tolist()], dtype=torch.float64) @ stacked
    assert result.curvature == pytest.approx(combined.square().sum().item(), rel=1e-5)


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_a_task_of_weight_zero_reaches_nothing(due: bool) -> None:
    model, twin = network(), network()
    made = balancer(model, due)
    made.state = replace(made.state, alpha=torch.tensor([0.5, 0.0, 0.25], dtype=torch.float64))
    wanted = plain(twin, batches(), [0.5, 0.0, 0.25])
    result = made.backward(as_parts(model, batches()))
    assert_same(gradients(model), wanted)
    if due:
        assert result.gradient_norms["b"] > 0


def test_weight_zero_where_autograd_shares_memory() -> None:
    """`autograd.grad` may hand out expanded tensors, and one tensor for two parameters."""
    one, two = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    made = TaskBalancer(paper(), ["a", "b"], [one, two])
    made.state = replace(made.state, alpha=torch.tensor([0.0, 1.0], dtype=torch.float64))
    made.backward({"a": (one + two).sum(), "b": (one * 2 + two * 3).sum()})
    assert one.grad.tolist() == [2, 2, 2]
    assert two.grad.tolist() == [3, 3, 3]


@pytest.mark.parametrize("m", [1, 4])
def test_one_forward_a_task_and_no_second_pass(m: int) -> None:
    model = network()
    backwards = []
    model.hidden.register_full_backward_hook(lambda *_: backwards.append(1))
    made = TaskBalancer(CATS(inner_steps=m), TASKS, model.shared())
    for _ in range(8):
        made.backward(as_callables(model, batches()))
        model.zero_grad()
    assert model.calls == 8 * len(TASKS)
    assert len(backwards) == 8 * len(TASKS)


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_only_one_graph_of_a_function_is_alive(due: bool) -> None:
    alive, most = [0], [0]

    class Held(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x: Tensor) -> Tensor:
            kept = x.clone()
            ctx.save_for_backward(kept)
            return (kept**2).sum()

        @staticmethod
        def backward(ctx, grad: Tensor) -> Tensor:
            (kept,) = ctx.saved_tensors
            return 2 * kept * grad

    class Box:
        def __init__(self, tensor: Tensor) -> None:
            self.tensor = tensor
            alive[0] += 1
            most[0] = max(most[0], alive[0])

        def __del__(self) -> None:
            alive[0] -= 1

    theta = nn.Parameter(torch.ones(3))

    def loss() -> Tensor:
        with torch.autograd.graph.saved_tensors_hooks(Box, lambda box: box.tensor):
            return Held.apply(theta)

    made = TaskBalancer(paper(1 if due else 9), ["a", "b"], [theta])
    made.backward({"a": [loss, loss, loss], "b": [loss, loss]})
    assert most[0] == 1


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_dropout_masks_are_drawn_once(due: bool) -> None:
    model, twin = network(dropout=0.4), network(dropout=0.4)
    torch.manual_seed(7)
    wanted = plain(twin, batches())
    torch.manual_seed(7)
    balancer(model, due).backward(as_callables(model, batches()))
    assert_same(gradients(model), wanted)


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_under_autocast(due: bool) -> None:
    model, twin = network(torch.float32), network(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        losses = [weight * twin(task, words) for weight, (task, words) in zip(ALPHA, batches().items(), strict=True)]
        result = balancer(model, due).backward(as_callables(model, batches()))
    sum(losses).backward()
    assert_same(gradients(model), gradients(twin), rtol=2e-2)
    assert result.losses["a"] == pytest.approx(losses[0].item() / ALPHA[0], rel=1e-6)


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_with_a_gradient_scaler(due: bool, enabled: bool) -> None:
    model, twin = network(), network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12, enabled=enabled)
    made, reference = balancer(model, due), balancer(twin, due)
    wanted = reference.backward(as_callables(twin, batches()))
    result = made.backward(as_callables(model, batches()), scaler=scaler)
    expected = {n: None if g is None else g * (2.0**12 if enabled else 1) for n, g in gradients(twin).items()}
    assert_same(gradients(model), expected)
    if due:
        assert result.gradient_norms == pytest.approx(wanted.gradient_norms)
        torch.testing.assert_close(made.state.curvature_multiplier, reference.state.curvature_multiplier)
    before = model.hidden.weight.detach().clone()
    scaler.step(optimizer)
    scaler.update()
    torch.testing.assert_close(model.hidden.weight, before - 0.1 * twin.hidden.weight.grad)


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
def test_an_overflow_under_a_scaler_skips_the_step(due: bool) -> None:
    theta = nn.Parameter(torch.tensor([1e3, 1.0]))
    optimizer = torch.optim.SGD([theta], lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**100)
    made = TaskBalancer(paper(1 if due else 9), ["a", "b"], [theta])
    before = made.state
    result = made.backward({"a": lambda: theta[0] ** 5 * 1e-12, "b": lambda: theta[1] ** 2}, scaler=scaler)
    made.backward({"a": lambda: theta[0] ** 5, "b": lambda: theta[1] ** 2}, scaler=scaler)
    assert result.weights == {"a": 1.0, "b": 1.0}
    scaler.step(optimizer)
    scaler.update()
    assert theta.tolist() == [1e3, 1.0]
    assert scaler.get_scale() == 2.0**99
    if due:
        assert made.state is before


@pytest.mark.parametrize("due", [True, False], ids=["due", "undue"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_its_task(due: bool, value: float) -> None:
    model = network()
    made = balancer(model, due)
    state, parameters = made.state, {n: p.detach().clone() for n, p in model.named_parameters()}
    losses = as_callables(model, batches()) | {"b": lambda: model("b", batches()["b"]) * value}
    with pytest.raises(DivergedError, match=r"the loss of task 'b' must be finite, found (nan|inf)"):
        made.backward(losses)
    assert made.state is state
    for name, parameter in model.named_parameters():
        assert parameter.equal(parameters[name])
    assert all(p.grad is None for p in model.shared())


def test_a_gradient_that_is_not_finite_names_its_task() -> None:
    theta = nn.Parameter(torch.zeros(2))
    made = TaskBalancer(paper(), ["a", "b"], [theta])
    state = made.state
    with pytest.raises(DivergedError, match=r"the gradient of task 'b' must be finite, found (nan|inf)"):
        made.backward({"a": (theta**2).sum(), "b": theta.sqrt().sum()})
    assert made.state is state
    assert theta.grad is None


def test_a_method_that_fails_leaves_no_gradient() -> None:
    class Failing(CATS):
        def step(self, state: State, signals: Signals) -> tuple[Tensor, State]:
            raise DivergedError("no")

    model = network()
    made = balancer(model, True, Failing(inner_steps=1))
    state = made.state
    with pytest.raises(DivergedError, match="no"):
        made.backward(as_callables(model, batches()))
    assert made.state is state
    assert all(p.grad is None for p in model.shared())


@pytest.mark.parametrize(("losses", "found"), [({"zz": torch.ones(())}, "zz"), ({}, "none")])
def test_unknown_or_no_tasks_are_an_error(losses: dict[str, Tensor], found: str) -> None:
    with pytest.raises(ConfigError, match=rf"some of the tasks .*'a', 'b', 'c'.*, found .*{found}"):
        balancer(network(), True).backward(losses)


@pytest.mark.parametrize("tasks", [["a", "a"], []])
def test_task_names_are_different(tasks: list[str]) -> None:
    with pytest.raises(ConfigError, match="tasks must be one or more different names"):
        TaskBalancer(CATS(), tasks, [nn.Parameter(torch.zeros(1))])


def test_something_must_be_trainable() -> None:
    with pytest.raises(ConfigError, match="no parameter is trainable"):
        TaskBalancer(CATS(), ["a"], nn.Linear(2, 2).requires_grad_(False).parameters())


def test_fixed_weights_fit_the_tasks() -> None:
    with pytest.raises(ConfigError, match="found 2 weights for 3 tasks"):
        Fixed(task_weights=[1.0, 2.0]).init(3)
    with pytest.raises(ConfigError, match="all weights are 0"):
        Fixed(task_weights=[0.0, 0.0]).init(2)


def test_weights_given_by_name_follow_the_order_of_the_tasks() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    balancer = TaskBalancer(Fixed(task_weights={"c": 3.0, "a": 0.0}), tasks=["a", "b", "c"], parameters=[parameter])
    assert balancer.weights == {"a": 0.0, "b": 1.0, "c": 3.0}
    with pytest.raises(ConfigError, match=r"task_weights names d; the tasks are a, b"):
        TaskBalancer(Fixed(task_weights={"d": 1.0}), tasks=["a", "b"], parameters=[parameter])


def test_weights_are_those_of_the_next_step() -> None:
    model = network()
    made = TaskBalancer(CATS(inner_steps=2, alpha_lr=0.1), TASKS, model.shared())
    for _ in range(6):
        promised = made.weights
        assert made.backward(as_callables(model, batches())).weights == promised
        model.zero_grad()
    assert len(set(promised.values())) == 3
    assert sum(promised.values()) == pytest.approx(1)


def test_a_restored_balancer_continues_bit_for_bit() -> None:
    model, twin = network(), network()
    made = TaskBalancer(CATS(inner_steps=3), TASKS, model.shared())
    for _ in range(4):
        made.backward(as_callables(model, batches()))
    restored = TaskBalancer(CATS(inner_steps=3), TASKS, twin.shared())
    restored.load_state_dict(made.state_dict())
    for _ in range(5):
        one = made.backward(as_callables(model, batches()))
        two = restored.backward(as_callables(twin, batches()))
        assert one == two


@dataclass(frozen=True)
class Damage:
    change: Callable[[dict], dict]
    message: str


@pytest.mark.parametrize(
    "damage",
    [
        Damage(lambda c: c | {"method": "fixed"}, "saved balancer is 'fixed' over .* this one is 'cats'"),
        Damage(lambda c: c | {"tasks": ["a", "c", "b"]}, r"over \['a', 'c', 'b'\]"),
        Damage(lambda c: c | {"state": c["state"] | {"alpha": torch.ones(2).double()}}, "found alpha missing"),
        Damage(lambda c: c | {"state": c["state"] | {"alpha": torch.ones(3)}}, "found alpha missing"),
        Damage(lambda c: c | {"state": c["state"] | {"alpha": [1.0] * 3}}, "found alpha missing"),
        Damage(lambda c: c | {"state": c["state"] | {"steps": None}}, "found steps missing"),
        Damage(lambda c: c | {"state": c["state"] | {"more": 1}}, "found more missing, unknown"),
        Damage(lambda c: c | {"state": {"alpha": torch.ones(3).double()}}, "curvature, curvature_multiplier"),
    ],
    ids=lambda d: d.message[:20],
)
def test_a_state_that_does_not_fit_is_refused(damage: Damage) -> None:
    made = TaskBalancer(CATS(), TASKS, network().shared())
    before = made.state
    with pytest.raises(CheckpointError, match=damage.message):
        made.load_state_dict(damage.change(made.state_dict()))
    assert made.state is before


def test_training_lowers_the_losses() -> None:
    model = network()
    made = TaskBalancer(CATS(inner_steps=2), TASKS, model.shared())
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.02)
    history = []
    for _ in range(150):
        history.append(made.backward(as_callables(model, batches())).losses)
        optimizer.step()
        optimizer.zero_grad()
    assert all(history[-1][task] < 0.7 * history[0][task] for task in TASKS)
