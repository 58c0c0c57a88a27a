"""`low_memory`: the same step from a second pass, on the same random numbers, with no gradient held."""

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from catscale import CATS, TaskBalancer
from catscale.balancing import BalancedStep
from catscale.errors import ConfigError, DivergedError
from tests.balancing.engine.spies import Spy, spy
from tests.balancing.networks import (
    ALPHA,
    TASKS,
    Net,
    as_callables,
    assert_same,
    batches,
    dense_rows,
    gradients,
    network,
    plain,
    total,
)
from tests.unchecked import unchecked


def functions(model: Net, given: dict[str, Tensor]) -> dict[str, Any]:
    """Two functions a task."""
    parts = {
        task: [lambda t=t, w=w, s=s: model(t, w) * s for s in (0.3, 0.7)] for t, w in given.items() for task in [t]
    }
    return parts


def run(
    low_memory: bool, dtype: torch.dtype = torch.float64, weights: object = ALPHA, dropout: float = 0.0, **options
) -> tuple[BalancedStep, Spy, Net, Tensor]:
    """One step of a fresh model, and the next random number after it."""
    model, method = network(dtype, dropout), spy("products", weights=weights)
    module = model if options.pop("knows_others", False) else None
    made = TaskBalancer(method, TASKS, model.shared(), low_memory=low_memory, module=module)
    torch.manual_seed(11)
    result = made.backward(functions(model, batches()), **options)
    return result, method, model, torch.rand(3)


@pytest.mark.parametrize("knows_others", [True, False])
@pytest.mark.parametrize("weights", [ALPHA, [0.5, 0.0, 0.25]], ids=str)
@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_it_equals_the_held_step(
    dtype: torch.dtype, rtol: float, dropout: float, weights: list[float], knows_others: bool
) -> None:
    """Losses, weights, products and `.grad`, dropout's masks and the random numbers that follow."""
    one, shown, model, after = run(False, dtype, weights, dropout)
    two, low, other, later = run(True, dtype, weights, dropout, knows_others=knows_others)
    assert one.losses == two.losses
    assert one.weights == two.weights
    assert two.curvature == pytest.approx(one.curvature, rel=rtol * 3)
    largest = shown.seen[0].products.abs().max().item()
    torch.testing.assert_close(low.seen[0].products, shown.seen[0].products, rtol=rtol * 3, atol=rtol * largest)
    assert_same(gradients(other), gradients(model), rtol=rtol)
    assert after.equal(later)


def test_random_numbers_go_on_as_after_a_plain_step() -> None:
    model = network(dropout=0.4)
    torch.manual_seed(11)
    for words in (batches()[t] for t in TASKS for _ in range(2)):
        model(TASKS[0], words)
    wanted = torch.rand(3)
    assert run(True, dropout=0.4)[3].equal(wanted)


def test_random_numbers_go_on_so_even_if_the_second_pass_draws_none() -> None:
    theta = nn.Parameter(torch.ones(4))
    masks: dict[str, Tensor] = {}

    def loss(task: str) -> Tensor:
        masks.setdefault(task, torch.rand(4) if task not in masks else None)
        return (theta * masks[task]).sum()

    torch.manual_seed(3)
    made = TaskBalancer(spy("products"), TASKS, [theta], low_memory=True)
    made.backward({task: (partial(loss, task)) for task in TASKS})
    found = torch.rand(3)
    torch.manual_seed(3)
    torch.rand(12)
    assert found.equal(torch.rand(3))


def test_products_are_those_of_dense_gradients() -> None:
    _, method, _, _ = run(True)
    rows = dense_rows(network(), batches())
    torch.testing.assert_close(method.seen[0].products, rows @ (torch.tensor(ALPHA).double() @ rows))


def test_earlier_gradients_are_kept_and_added_to() -> None:
    model, twin = network(), network()
    made = TaskBalancer(spy("products"), TASKS, model.shared(), low_memory=True)
    for _ in range(2):
        made.backward(functions(model, batches()))
        wanted = plain(twin, batches())
    assert_same(gradients(model), wanted)


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("low_memory", [False, True])
def test_with_gradient_checkpointing(low_memory: bool, reentrant: bool) -> None:
    """Reentrant checkpoints need `module`, for they cannot be told where gradients go."""
    model, twin = network(dropout=0.3), network(dropout=0.3)
    weights = ALPHA if low_memory else [0.5, 0.0, 0.25]
    method = spy("products", weights=weights)
    made = TaskBalancer(method, TASKS, model.shared(), low_memory=low_memory, module=model if reentrant else None)

    def loss(net: Net, task: str, words: Tensor) -> Callable[[], Tensor]:
        def inner(x: Tensor) -> Tensor:
            hidden = torch.tanh(net.dropout(net.hidden(x)))
            return nn.functional.cross_entropy(hidden @ net.embedding.weight.T, words)

        return lambda: checkpoint(inner, net.embedding(words), use_reentrant=reentrant)

    torch.manual_seed(2)
    made.backward({task: loss(model, task, words) for task, words in batches().items()})
    torch.manual_seed(2)
    total(w * loss(twin, *item)() for w, item in zip(weights, batches().items(), strict=True)).backward()
    assert_same(gradients(model), gradients(twin))


def test_with_a_scaler_and_its_overflow() -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)
    result, method, model, _ = run(True, scaler=scaler)
    plain_result, plain_method, twin, _ = run(True)
    torch.testing.assert_close(method.seen[0].products, plain_method.seen[0].products)
    assert result.curvature == pytest.approx(plain_result.curvature)
    assert_same(gradients(model), {n: None if g is None else g * 2.0**12 for n, g in gradients(twin).items()})
    theta = nn.Parameter(torch.tensor([1e3, 1.0]))
    method = spy("products", weights=[1.0, 1.0])
    made = TaskBalancer(method, ["a", "b"], [theta], low_memory=True)
    huge = torch.amp.GradScaler("cpu", init_scale=2.0**100)
    result = made.backward({"a": lambda: theta[0] ** 5, "b": lambda: theta[1] ** 2}, scaler=huge)
    assert result.skipped
    assert not method.seen
    assert unchecked(made.state).steps == 0
    assert theta.grad is not None


def test_cats_by_products_follows_the_same_path() -> None:
    models = [network(torch.float64, 0.2), network(torch.float64, 0.2)]
    cats = CATS(inner_steps=2, alpha_lr=0.2, statistics="products")
    made = [TaskBalancer(cats, TASKS, m.shared(), low_memory=low) for m, low in zip(models, (False, True), strict=True)]
    for step in range(8):
        for balancer, model in zip(made, models, strict=True):
            torch.manual_seed(step)
            balancer.backward(functions(model, batches()))
    torch.testing.assert_close(unchecked(made[0].state).alpha, unchecked(made[1].state).alpha, rtol=1e-10, atol=0)
    assert unchecked(made[0].state).alpha.std() > 1e-3


def test_methods_that_need_all_gradients_are_refused() -> None:
    model = network()
    for method in (spy("gramian"), spy("norms"), spy("products", halves=True)):
        with pytest.raises(
            ConfigError, match=r"low_memory cannot be used: spy needs the gradients of all tasks at onc"
        ):
            TaskBalancer(method, TASKS, model.shared(), low_memory=True).backward(functions(model, batches()))
    made = TaskBalancer(spy("products", known=False), TASKS, model.shared(), low_memory=True)
    with pytest.raises(ConfigError, match="asks for products, which need weights known before the step"):
        made.backward(as_callables(model, batches()))


def test_tensors_are_refused() -> None:
    model = network()
    made = TaskBalancer(spy("products"), TASKS, model.shared(), low_memory=True)
    with pytest.raises(ConfigError, match="low_memory computes each loss twice, found a tensor; give functions"):
        made.backward({t: model(t, w) for t, w in batches().items()})


@pytest.mark.parametrize("low_memory", [False, True])
def test_a_gradient_that_is_not_finite_names_its_own_task(low_memory: bool) -> None:
    """One such gradient spoils the products of all tasks."""
    theta = nn.Parameter(torch.zeros(2))
    made = TaskBalancer(spy("products"), TASKS, [theta], low_memory=low_memory)
    losses = {"a": lambda: (theta**2).sum(), "b": lambda: (theta * 3).sum(), "c": lambda: theta.sqrt().sum()}
    with pytest.raises(DivergedError, match=r"the gradient of task 'c' must be finite"):
        made.backward(losses)
    assert unchecked(made.state).steps == 0
    assert theta.grad is None
    assert theta.tolist() == [0, 0]


@pytest.mark.parametrize("low_memory", [False, True])
def test_gradients_alive_at_once(low_memory: bool) -> None:
    """K rows where they are held, the combined one beside; without, never a second one of the same task."""
    count, most = 6, [0]
    alive: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()
    theta = [nn.Parameter(torch.full((10,), 0.1 * n)) for n in range(3)]

    class Probe(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x.sum()

        @staticmethod
        def backward(ctx, grad: Tensor) -> Tensor:
            made = torch.ones(10) * grad
            alive.add(made.untyped_storage())
            most[0] = max(most[0], len(alive))
            return made

    method = spy("products", weights=[1.0] * count)
    made = TaskBalancer(method, [str(n) for n in range(count)], theta, low_memory=low_memory)
    made.backward({str(n): (lambda: sum(Probe.apply(p) for p in theta)) for n in range(count)})
    assert method.seen[0].products.tolist() == [30.0 * count] * count
    if low_memory:
        assert most[0] <= 2 * len(theta)  # what is accumulated, and one task's
    else:
        assert most[0] == count * len(theta)


def test_the_second_pass_overflows_no_earlier_than_the_first() -> None:
    """With weights of 1/2 and half-precision gradients, at a scale where a whole task's would not be finite."""
    theta = nn.Parameter(torch.ones(1, dtype=torch.float16))
    made = TaskBalancer(CATS(statistics="products", inner_steps=1), ["a", "b"], [theta], low_memory=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**14)
    result = made.backward({"a": lambda: 5 * theta.sum().float(), "b": lambda: -4 * theta.sum().float()}, scaler=scaler)
    assert not result.skipped
    assert result.curvature == pytest.approx(0.25)
    assert unchecked(made.state).steps == 1
