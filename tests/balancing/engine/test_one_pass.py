"""Products of all tasks' gradients from one pass are those of the tasks one by one."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from catscale.balancing import CATS, TaskBalancer
from catscale.errors import ConfigError, DivergedError
from tests.balancing.engine.owned_network import GROUPS, TASKS, WEIGHTS, Corpus, slow_products, take
from tests.balancing.engine.spies import spy
from tests.unchecked import unchecked

NETWORKS: dict[str, dict[str, Any]] = {"tied": {}, "untied": {"tied": False}, "without biases": {"bias": False}}


def assert_equal(found: list[Tensor | None], wanted: list[Tensor | None], tolerance: float = 1e-12) -> None:
    for one, other in zip(found, wanted, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("name", "form", "low_memory"),
    [
        ("tied", "one pass", False),
        ("tied", "two passes", True),
        ("untied", "by sentence", False),
        ("without biases", "one pass", True),
    ],
)
def test_it_is_the_step_of_the_tasks_one_by_one(name: str, form: str, low_memory: bool) -> None:
    """Losses, products, curvature, gradients and what was in `.grad`, with weights that are very unequal."""
    options = NETWORKS[name]
    one, other = Corpus(**options), Corpus(**options)
    seen, wanted = spy("products", weights=WEIGHTS), spy("products", weights=WEIGHTS)
    for corpus in (one, other):
        corpus.part(0, [0, 3]).backward()  # stays in `.grad`
    step = take(one, seen, one.batch(form), low_memory=low_memory)
    expected = take(other, wanted, low_memory=low_memory)
    assert one.net.calls == 1 + len(GROUPS[form])
    assert other.net.calls == 1 + 6 * (1 + low_memory)
    torch.testing.assert_close(seen.seen[0].products, wanted.seen[0].products, rtol=1e-12, atol=0)
    torch.testing.assert_close(seen.seen[0].losses, wanted.seen[0].losses, rtol=1e-12, atol=0)
    assert step.curvature == pytest.approx(expected.curvature, rel=1e-12)
    assert step.weights == expected.weights
    assert_equal(one.gradients(), other.gradients())
    parameters = list(one.net.parameters())
    torch.testing.assert_close(seen.seen[0].products, slow_products(one, parameters), rtol=1e-11, atol=0)


def test_single_precision() -> None:
    corpus, exact = Corpus(torch.float32), Corpus()
    method = spy("products", weights=WEIGHTS)
    take(corpus, method, corpus.batch())
    exact.net.load_state_dict({name: value.double() for name, value in corpus.net.state_dict().items()})
    wanted = slow_products(exact, list(exact.net.parameters()))
    torch.testing.assert_close(method.seen[0].products, wanted, rtol=2e-6, atol=0)
    assert method.seen[0].products.dtype == torch.float64


def test_only_what_is_compared_is_multiplied_and_the_rest_gets_its_gradient() -> None:
    """The decoder's parameters are the caller's; the table is shared, and one norm is held fixed."""
    corpus, other = Corpus(), Corpus()
    for each in (corpus, other):
        each.net.encoder.norm.requires_grad_(False)
        each.net.encoder.wide.bias.requires_grad_(False)

    def compared(net: Any) -> list[Any]:
        return [net.table.weight, net.encoder.q.weight, net.encoder.wide.weight, net.encoder.back.weight]

    method = spy("products", weights=WEIGHTS)
    take(corpus, method, corpus.batch("two passes"), compared, module=corpus.net)
    take(other, spy("products", weights=WEIGHTS), None, compared, module=other.net)
    assert corpus.net.calls == 2
    assert_equal(corpus.gradients(), other.gradients())
    torch.testing.assert_close(method.seen[0].products, slow_products(other, compared(other.net)), rtol=1e-11, atol=0)


def test_with_dropout_products_and_gradient_are_of_the_same_masks() -> None:
    """Σ w_n ⟨g_n, c⟩ is ‖c‖², which products of other masks would miss."""
    corpus = Corpus(dropout=0.4)
    method = spy("products", weights=WEIGHTS)
    step = take(corpus, method, corpus.batch("two passes"))
    square = sum(gradient.square().sum().item() for gradient in corpus.gradients() if gradient is not None)
    assert (torch.tensor(WEIGHTS).double() @ method.seen[0].products).item() == pytest.approx(square, rel=1e-12)
    assert step.curvature == pytest.approx(square, rel=1e-12)
    assert step.gradient_norms is None


@pytest.mark.parametrize("low_memory", [False, True])
def test_a_repeated_step_is_the_same_pass(low_memory: bool) -> None:
    corpus = Corpus(dropout=0.4)
    method = CATS(inner_steps=1, statistics="products")
    balancer = TaskBalancer(method, TASKS, corpus.net.parameters(), low_memory=low_memory)
    torch.manual_seed(1)
    balancer.backward(corpus.apart(), batch=corpus.batch("two passes"))
    first = corpus.gradients()
    corpus.clear()
    torch.manual_seed(1)
    balancer.repeat(corpus.apart(), batch=corpus.batch("two passes"))
    assert corpus.net.calls == 4
    for one, two in zip(corpus.gradients(), first, strict=True):
        assert one is not None
        assert two is not None
        assert one.equal(two)


@pytest.mark.parametrize("low_memory", [False, True])
def test_products_in_the_metric_of_adam(low_memory: bool) -> None:
    """As of the tasks one by one, after Adam has moved the parameters."""
    shown = []
    for with_batch in (True, False):
        corpus = Corpus()
        adam = torch.optim.Adam(corpus.net.parameters(), lr=0.01)
        method = spy("products", weights=WEIGHTS, metric="adam")
        balancer = TaskBalancer(method, TASKS, corpus.net.parameters(), low_memory=low_memory)
        balancer.use_metric_of(adam)
        for _ in range(2):
            balancer.backward(corpus.apart(), batch=corpus.batch() if with_batch else None)
            adam.step()
            corpus.clear()
        assert corpus.net.calls == (2 if with_batch else 12 * (1 + low_memory))
        shown.append([signals.products for signals in method.seen])
    torch.testing.assert_close(shown[0], shown[1], rtol=1e-6, atol=1e-12)


def masked(corpus: Corpus) -> None:
    """Have the network use a weight in a way that is not known."""
    linear = corpus.net.decoder.q

    def forward(x: Tensor) -> Tensor:
        return torch.nn.functional.linear(x, linear.weight * 1.0, linear.bias)

    unchecked(linear).forward = forward


CASES: dict[str, Any] = {
    "unknown use": ({}, masked),
    "halves": ({"halves": True}, None),
}


@pytest.mark.parametrize("name", CASES)
def test_what_one_pass_does_not_tell_takes_a_pass_for_each_task_as_before(name: str) -> None:
    """To the bit, dropout's masks, later random numbers and the gradients before included."""
    settings, spoil = CASES[name]
    settings = {"kind": "products", "weights": WEIGHTS, **settings}
    found = []
    for with_batch in (True, False):
        corpus = Corpus(dropout=0.4)
        if spoil is not None:
            spoil(corpus)
        method = spy(**settings)
        torch.manual_seed(3)
        corpus.net.table.weight.grad = torch.ones_like(corpus.net.table.weight)
        take(corpus, method, corpus.batch() if with_batch else None)
        signals = method.seen[0]
        products = signals.gramian if signals.products is None else signals.products
        found.append([*corpus.gradients(), products, signals.losses, torch.rand(3)])
    for one, two in zip(*found, strict=True):
        assert one is not None
        assert two is not None
        assert one.equal(two)


@pytest.mark.parametrize("kind", ["products", "gramian"])
def test_a_batch_without_owners_is_not_looked_at(kind: str) -> None:
    corpus = Corpus()
    take(corpus, spy(kind, weights=WEIGHTS), corpus.batch()[0].compute)
    assert corpus.net.calls == 6


def test_a_second_batch_without_owners_takes_a_pass_for_each_task() -> None:
    corpus = Corpus()
    first, second = corpus.batch("two passes")
    take(corpus, spy("products", weights=WEIGHTS), [first, second.compute])
    assert corpus.net.calls == 1 + 6


@pytest.mark.parametrize("kind", ["products", "gramian"])
def test_a_task_that_no_batch_holds_is_missed(kind: str) -> None:
    corpus = Corpus()
    with pytest.raises(ConfigError, match="found none of task 'a'; add it"):
        take(corpus, spy(kind, weights=WEIGHTS), corpus.mixed([1, 2, 3]))
    assert corpus.gradients() == [None] * len(corpus.gradients())


@pytest.mark.parametrize("scale", [1.0, 2.0**12])
def test_a_scaler_changes_no_product(scale: float) -> None:
    corpus, plain = Corpus(torch.float32), Corpus(torch.float32)
    method, other = spy("products", weights=WEIGHTS), spy("products", weights=WEIGHTS)
    take(corpus, method, corpus.batch(), scaler=torch.amp.GradScaler("cpu", init_scale=scale))
    take(plain, other, plain.batch())
    torch.testing.assert_close(method.seen[0].products, other.seen[0].products, rtol=1e-6, atol=0)
    scaled = [None if g is None else g / scale for g in corpus.gradients()]
    assert_equal(scaled, plain.gradients(), 1e-6)


class Spoil(torch.autograd.Function):
    """A loss whose gradient is not finite."""

    @staticmethod
    def forward(ctx: Any, loss: Tensor) -> Tensor:
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0] * torch.inf


@pytest.mark.parametrize("kind", ["products", "gramian"])
@pytest.mark.parametrize("task", TASKS)
def test_a_gradient_that_is_not_finite_is_blamed_on_its_task(task: str, kind: str) -> None:
    corpus = Corpus()
    batch = corpus.batch()[0]

    def compute() -> dict[str, Tensor]:
        return {name: Spoil.apply(loss) if name == task else loss for name, loss in batch.compute().items()}

    with pytest.raises(DivergedError, match=f"the gradient of task '{task}' must be finite") as caught:
        take(corpus, spy(kind, weights=WEIGHTS), replace(batch, compute=compute))
    assert caught.value.task == task
    assert corpus.gradients() == [None] * len(corpus.gradients())


@pytest.mark.parametrize("kind", ["products", "gramian"])
def test_under_a_scaler_an_overflow_skips_the_step(kind: str) -> None:
    corpus = Corpus(torch.float32)
    method = spy(kind, weights=WEIGHTS)
    step = take(corpus, method, corpus.batch(), scaler=torch.amp.GradScaler("cpu", init_scale=2.0**127))
    assert step.skipped
    assert not method.seen
    assert not all(g is None or g.isfinite().all() for g in corpus.gradients())


def test_a_loss_that_is_not_finite_stops_the_step() -> None:
    corpus = Corpus()
    batch = corpus.batch()[0]
    spoilt = replace(batch, compute=lambda: {task: loss * torch.inf for task, loss in batch.compute().items()})
    with pytest.raises(DivergedError, match="the loss of task 'a' must be finite"):
        take(corpus, spy("products", weights=WEIGHTS), spoilt)
