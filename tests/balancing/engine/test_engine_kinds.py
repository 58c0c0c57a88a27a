"""What each kind of request shows and leaves in `.grad`, against plain autograd in float64."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from catscale import TaskBalancer
from tests.balancing.engine.spies import Spy, spy
from tests.balancing.networks import (
    ALPHA,
    TASKS,
    Net,
    as_callables,
    as_one_graph,
    as_parts,
    as_tensors,
    assert_same,
    batches,
    dense_rows,
    gradients,
    network,
    plain,
)

KINDS = ["nothing", "products", "norms", "gramian"]
CASES = [(kind, known) for kind in KINDS for known in (True, False) if (kind, known) != ("products", False)]
GROUP_WEIGHTS = [[0.5, 2.0, 0.25], [1.0, 0.0, 3.0], [0.1, 0.2, 0.3]]


def groups(model: Net) -> dict[str, list[Tensor]]:
    """Two groups; "rest" is the parameter that only task a uses."""
    return {"table": [model.embedding.weight], "hidden": list(model.hidden.parameters())}


def columns(model: Net, name: str | None) -> Tensor:
    """The columns of `dense_rows` that belong to a group."""
    members = groups(model)
    names = {id(p): n for n, ps in members.items() for p in ps}
    marks = [torch.full((p.numel(),), names.get(id(p), "rest") == name) for p in model.shared() if p.requires_grad]
    return torch.cat(marks) | (name is None)


def weigh(rows: Tensor, model: Net, table: Tensor) -> list[Tensor]:
    """Σ w_n g_n of each shared parameter, with a row of weights a group."""
    combined = torch.zeros(rows.shape[1], dtype=torch.float64)
    for name, weights in zip(["table", "hidden", "rest"], table.expand(3, -1), strict=True):
        mask = columns(model, name)
        combined[mask] = weights @ rows[:, mask]
    sizes = [p.numel() for p in model.shared() if p.requires_grad]
    return list(torch.split(combined, sizes))


def assert_shared(model: Net, wanted: list[Tensor], rtol: float = 1e-9) -> None:
    shared = [p for p in model.shared() if p.requires_grad]
    for parameter, expected in zip(shared, wanted, strict=True):
        found = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(found.flatten().double(), expected, rtol=rtol, atol=rtol * 1e-2)


def assert_shown(method: Spy, rows: Tensor, weights: Tensor, rtol: float = 1e-10) -> None:
    (signals,) = method.seen
    kind = method.request_.kind
    wanted = {
        "gramian": rows @ rows.T if kind == "gramian" else None,
        "products": rows @ (weights @ rows) if kind == "products" else None,
        "norms": rows.norm(dim=1) if kind == "norms" else None,
    }
    for name, expected in wanted.items():
        found = getattr(signals, name)
        if expected is None:
            assert found is None
        else:
            assert found.dtype == torch.float64
            torch.testing.assert_close(found, expected, rtol=rtol, atol=rtol * expected.abs().max().item())


@pytest.mark.parametrize(("kind", "known"), CASES)
@pytest.mark.parametrize("form", [as_tensors, as_callables, as_parts])
@pytest.mark.parametrize("present", [["b"], ["c", "a"], ["b", "c", "a"]], ids="".join)
def test_signals_and_gradients(kind: str, known: bool, form: Callable, present: list[str]) -> None:
    """Tied embeddings, a frozen layer and a parameter of one task included; heads by their weight where it is known."""
    model, twin = network(), network()
    given = batches(present)
    rows, weights = dense_rows(twin, given), torch.tensor([ALPHA[TASKS.index(t)] for t in present]).double()
    method = spy(kind, known)
    result = TaskBalancer(method, TASKS, model.shared()).backward(form(model, given))
    assert_shown(method, rows, weights)
    assert method.seen[0].task_ids.tolist() == [TASKS.index(task) for task in present]
    assert method.seen[0].losses.tolist() == pytest.approx([twin(*item).item() for item in given.items()])
    assert_shared(model, weigh(rows, twin, weights))
    weighted = ALPHA if known or kind == "nothing" else [1.0] * 3
    wanted = {n: g for n, g in plain(twin, given, weighted).items() if n.startswith("heads.")}
    assert_same({n: gradients(model)[n] for n in wanted}, wanted)
    assert result.weights == pytest.approx({task: ALPHA[TASKS.index(task)] for task in present})
    norms = {task: row.norm().item() for task, row in zip(present, rows, strict=True)}
    assert result.gradient_norms == (None if kind == "nothing" else pytest.approx(norms))
    measured = kind in ("products", "gramian")
    curvature = (weights @ rows).square().sum().item()
    assert result.curvature == (pytest.approx(curvature) if measured else None)
    assert not result.skipped


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
@pytest.mark.parametrize("kind", ["norms", "gramian"])
@pytest.mark.parametrize("group", ["table", "hidden", "last", "rest"])
def test_over_a_group(kind: str, known: bool, group: str) -> None:
    """Measured over the group alone; what `.grad` holds is that of all parameters."""
    model, twin = network(), network()
    rows, weights = dense_rows(twin, batches()), torch.tensor(ALPHA).double()
    method = spy(kind, known, group=group)
    result = TaskBalancer(method, TASKS, model.shared(), groups=groups(model)).backward(as_parts(model, batches()))
    own = rows[:, columns(twin, "hidden" if group == "last" else group)]
    assert_shown(method, own, weights)
    assert_shared(model, weigh(rows, twin, weights))
    assert result.gradient_norms == pytest.approx(dict(zip(TASKS, own.norm(dim=1).tolist(), strict=True)))
    assert result.curvature is None


@pytest.mark.parametrize(("known", "per_group_weights"), [(True, False), (False, False), (False, True)])
def test_per_group(known: bool, per_group_weights: bool) -> None:
    model, twin = network(), network()
    rows = dense_rows(twin, batches())
    method = spy("gramian", known, GROUP_WEIGHTS if per_group_weights else ALPHA, per_group=True)
    made = TaskBalancer(method, TASKS, model.shared(), groups=groups(model))
    result = made.backward(as_callables(model, batches()))
    blocks = [rows[:, columns(twin, name)] for name in ("table", "hidden", "rest")]
    torch.testing.assert_close(method.seen[0].gramian, torch.stack([b @ b.T for b in blocks]))
    assert method.seen[0].gramian.shape == (3, 3, 3)
    wanted = weigh(rows, twin, method.values)
    assert_shared(model, wanted)
    assert list(result.weights.values()) == pytest.approx(method.values.expand(3, -1).mean(0).tolist())
    assert result.curvature == pytest.approx(torch.cat(wanted).square().sum().item())
    assert result.gradient_norms == pytest.approx(dict(zip(TASKS, rows.norm(dim=1).tolist(), strict=True)))


@pytest.mark.parametrize(("kind", "known"), CASES)
def test_one_graph_and_earlier_gradients(kind: str, known: bool) -> None:
    """Losses that share a trunk, twice, upon what `.grad` held: the second call adds to the first."""
    model, twin = network(), network()
    for net in (model, twin):
        net("b", torch.arange(9)).backward()
    for _ in range(2):
        losses = as_one_graph(twin, batches())
        sum(weight * losses[task] for task, weight in zip(TASKS, ALPHA, strict=True)).backward()
    made = TaskBalancer(spy(kind, known), TASKS, model.shared())
    for _ in range(2):
        made.backward(as_one_graph(model, batches()))
    wanted = {n: g for n, g in gradients(twin).items() if known or kind == "nothing" or not n.startswith("heads.")}
    assert_same({n: g for n, g in gradients(model).items() if n in wanted}, wanted)


@pytest.mark.parametrize(("kind", "known"), CASES)
def test_a_subset_of_the_parameters(kind: str, known: bool) -> None:
    """As with LoRA: products over the given ones alone; the others receive gradients as heads do."""
    model, twin = network(), network()
    chosen = list(model.hidden.parameters())
    method, weights = spy(kind, known), torch.tensor(ALPHA).double()
    TaskBalancer(method, TASKS, chosen).backward(as_callables(model, batches()))
    assert_shown(method, dense_rows(twin, batches(), list(twin.hidden.parameters())), weights)
    wanted = plain(twin, batches(), ALPHA if known or kind == "nothing" else [1.0] * 3)
    others = {n: g for n, g in wanted.items() if not n.startswith("hidden")}
    assert_same({n: gradients(model)[n] for n in others}, others)


@pytest.mark.parametrize(
    ("kind", "group"),
    [("products", None), ("norms", None), ("norms", "hidden"), ("gramian", None), ("gramian", "hidden")],
)
def test_a_weight_of_zero_is_measured_and_reaches_nothing(kind: str, group: str | None) -> None:
    """Known before the step, so that the heads of that task get nothing either, whoever else uses them."""
    model, twin = network(), network()
    weights = [0.5, 0.0, 0.25]
    method = spy(kind, True, weights, group=group)
    rows = dense_rows(twin, batches())
    made = TaskBalancer(method, TASKS, model.shared(), groups=groups(model))
    made.backward(as_parts(model, batches()))
    assert_shown(method, rows[:, columns(twin, group)], torch.tensor(weights).double())
    assert_same(gradients(model), plain(twin, batches(), weights))
    assert model.heads["b"].weight.grad is None


@pytest.mark.parametrize("count", [1, 128])
@pytest.mark.parametrize(("kind", "known"), CASES)
def test_one_task_and_many(kind: str, known: bool, count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    theta = nn.Parameter(torch.randn(7, generator=generator, dtype=torch.float64))
    rows = torch.randn(count, 7, generator=generator, dtype=torch.float64)
    weights = torch.rand(count, generator=generator, dtype=torch.float64)
    method = Spy(spy(kind).request_, weights, known)
    names = [f"t{n}" for n in range(count)]
    made = TaskBalancer(method, names, [theta])
    made.backward({name: partial(torch.dot, theta, row) for name, row in zip(names, rows, strict=True)})
    assert_shown(method, rows, weights)
    torch.testing.assert_close(theta.grad, weights @ rows)


def test_absent_tasks_and_tasks_without_tokens() -> None:
    """0 tokens, an empty list of parts, or no entry: the same step."""
    wanted = None
    for losses, tokens in [
        (lambda m, g: {t: x for t, x in as_callables(m, g).items() if t != "a"}, None),
        (as_callables, {"a": 0, "b": 5, "c": 3}),
        (lambda m, g: as_callables(m, g) | {"a": []}, None),
    ]:
        model, method = network(), spy("gramian")
        result = TaskBalancer(method, TASKS, model.shared()).backward(losses(model, batches()), tokens=tokens)
        assert method.seen[0].task_ids.tolist() == [1, 2]
        assert list(result.losses) == list(result.weights) == list(result.gradient_norms) == ["b", "c"]
        wanted = gradients(model) if wanted is None else wanted
        assert_same(gradients(model), wanted)


@pytest.mark.parametrize(("kind", "known"), CASES)
def test_an_earlier_gradient_that_the_step_adds_nothing_to(kind: str, known: bool) -> None:
    """Only task a uses the parameter; the step holds task b."""
    model = network()
    made = TaskBalancer(spy(kind, known), TASKS, model.shared())
    made.backward({"a": lambda: model("a", torch.arange(9))})
    before = model.rare.grad.clone()
    assert before.any()
    made.backward({"b": lambda: model("b", torch.arange(9))})
    assert model.rare.grad.equal(before)
