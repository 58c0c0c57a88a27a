"""The gradients of all tasks from passes over several of them are those of the tasks one by one."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from catscale.balancing import CATS, METHODS, OwnedBatch, TaskBalancer
from catscale.balancing.engine.task_gradients import TaskGradients
from tests.balancing.engine.owned_network import GROUPS, TASKS, WEIGHTS, Corpus, Network, take
from tests.balancing.engine.spies import spy
from tests.balancing.engine.test_one_pass import NETWORKS, assert_equal, masked
from tests.unchecked import unchecked


def gram_of(corpus: Corpus) -> Tensor:
    """(K, K) products of the gradients of each task by itself, float64."""
    parameters, rows = list(corpus.net.parameters()), []
    for parts in corpus.apart().values():
        found = torch.autograd.grad(torch.stack([part() for part in parts]).sum(), parameters, allow_unused=True)
        pairs = zip(parameters, found, strict=True)
        rows.append(torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in pairs]))
    stacked = torch.stack(rows).double()
    return stacked @ stacked.T


@pytest.mark.parametrize(
    ("name", "form"),
    [("tied", "one pass"), ("tied", "two passes"), ("untied", "by sentence"), ("without biases", "one pass")],
)
@pytest.mark.parametrize("weights", [WEIGHTS, None, [0.5, 0.0, 2.0]], ids=["known", "not known", "one is 0"])
def test_it_is_the_step_of_the_tasks_one_by_one(name: str, form: str, weights: list[float] | None) -> None:
    """Losses, Gram matrix, norms, curvature, gradients and what was in `.grad`."""
    options = NETWORKS[name]
    one, other = Corpus(**options), Corpus(**options)
    seen, wanted = (spy("gramian", weights is not None, weights or WEIGHTS) for _ in range(2))
    for corpus in (one, other):
        corpus.part(0, [0, 3]).backward()  # stays in `.grad`
    step = take(one, seen, one.batch(form))
    expected = take(other, wanted)
    assert one.net.calls == 1 + len(GROUPS[form])
    assert other.net.calls == 1 + 6
    torch.testing.assert_close(seen.seen[0].gramian, gram_of(other), rtol=1e-11, atol=0)
    torch.testing.assert_close(seen.seen[0].losses, wanted.seen[0].losses, rtol=1e-12, atol=0)
    assert step.curvature == pytest.approx(expected.curvature, rel=1e-12)
    assert step.gradient_norms == pytest.approx(expected.gradient_norms, rel=1e-12)
    assert step.weights == expected.weights
    assert_equal(one.gradients(), other.gradients())


@pytest.mark.parametrize("kind", ["norms", "products"])
def test_norms_and_products(kind: str) -> None:
    """Products are of one pass where all weights are above 0, and of held gradients otherwise."""
    one, other = Corpus(), Corpus()
    found, wanted = (spy(kind, weights=[0.5, 0.0, 2.0]) for _ in range(2))
    take(one, found, one.batch("two passes"))
    take(other, wanted)
    assert one.net.calls == 2
    torch.testing.assert_close(getattr(found.seen[0], kind), getattr(wanted.seen[0], kind), rtol=1e-12, atol=0)
    assert_equal(one.gradients(), other.gradients())


def test_a_gram_matrix_of_each_group_of_parameters() -> None:
    shown = []
    for with_batch in (True, False):
        corpus = Corpus()
        method = spy("gramian", False, [WEIGHTS, [1.0, 2.0, 3.0], WEIGHTS[::-1]], per_group=True)
        groups = {"encoder": corpus.net.encoder.parameters(), "table": corpus.net.table.parameters()}
        balancer = TaskBalancer(method, TASKS, corpus.net.parameters(), groups=groups)
        balancer.backward(corpus.apart(), batch=corpus.batch("two passes") if with_batch else None)
        assert corpus.net.calls == (2 if with_batch else 6)
        shown.append([*corpus.gradients(), method.seen[0].gramian])
    assert shown[0][-1].shape == (3, 3, 3)
    assert_equal(shown[0], shown[1])


def test_a_group_alone_takes_a_pass_for_each_task() -> None:
    """Whose other parameters get the weighted sum of their gradients, and are not held."""
    corpus = Corpus()
    method = METHODS["gradnorm"](group="table")
    balancer = TaskBalancer(method, TASKS, corpus.net.parameters(), groups={"table": corpus.net.table.parameters()})
    balancer.backward(corpus.apart(), batch=corpus.batch())
    assert corpus.net.calls == 6


def test_single_precision_and_a_scaler() -> None:
    corpus, exact = Corpus(torch.float32), Corpus()
    exact.net.load_state_dict({name: value.double() for name, value in corpus.net.state_dict().items()})
    method = spy("gramian", weights=WEIGHTS)
    take(corpus, method, corpus.batch(), scaler=torch.amp.GradScaler("cpu", init_scale=2.0**12))
    torch.testing.assert_close(method.seen[0].gramian, gram_of(exact), rtol=1e-5, atol=0)
    assert method.seen[0].gramian.dtype == torch.float64
    take(exact, spy("gramian", weights=WEIGHTS))
    scaled = [None if g is None else (g / 2.0**12).double() for g in corpus.gradients()]
    assert_equal(scaled, exact.gradients(), 1e-5)


def test_mixed_precision() -> None:
    """Gradients of parameters are float32, and as near to those of each task as bfloat16 allows."""
    found = []
    for with_batch in (True, False):
        corpus = Corpus(torch.float32)
        method = spy("gramian", weights=[1.0, 1.0, 1.0])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            take(corpus, method, corpus.batch() if with_batch else None)
        assert all(g is None or g.dtype == torch.float32 for g in corpus.gradients())
        found.append(method.seen[0].gramian)
    scale = found[1].diagonal().sqrt()
    assert ((found[0] - found[1]) / torch.outer(scale, scale)).abs().max() < 0.01


def test_the_callers_autocast_does_not_reach_the_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which are of the types that came back, float32 where losses are computed without one."""
    corpus, seen = Corpus(torch.float32), []
    add = TaskGradients.add_product

    def spied(self: TaskGradients, *given: Any) -> None:
        seen.append(torch.is_autocast_enabled("cpu"))
        add(self, *given)

    monkeypatch.setattr(TaskGradients, "add_product", spied)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        take(corpus, spy("gramian", weights=WEIGHTS), corpus.batch())
    assert set(seen) == {False}


def test_with_dropout_gram_matrix_and_gradient_are_of_the_same_masks() -> None:
    """wᵀGw is ‖Σ w_n g_n‖², which a matrix of other masks would miss."""
    corpus = Corpus(dropout=0.4)
    step = take(corpus, spy("gramian", weights=WEIGHTS), corpus.batch("two passes"))
    square = sum(gradient.square().sum().item() for gradient in corpus.gradients() if gradient is not None)
    assert step.curvature == pytest.approx(square, rel=1e-12)


def test_a_repeated_step_is_the_same_to_the_bit() -> None:
    corpus = Corpus(dropout=0.4)
    balancer = TaskBalancer(CATS(inner_steps=1), TASKS, corpus.net.parameters())
    found = []
    for take_step in (balancer.backward, balancer.repeat):
        torch.manual_seed(1)
        take_step(corpus.apart(), batch=corpus.batch("two passes"))
        found.append(corpus.gradients())
        corpus.clear()
    assert corpus.net.calls == 4
    for one, two in zip(*found, strict=True):
        assert one is not None
        assert two is not None
        assert one.equal(two)


def test_in_the_metric_of_adam() -> None:
    shown = []
    for with_batch in (True, False):
        corpus = Corpus()
        adam = torch.optim.Adam(corpus.net.parameters(), lr=0.01)
        method = spy("gramian", weights=WEIGHTS, metric="adam")
        balancer = TaskBalancer(method, TASKS, corpus.net.parameters())
        balancer.use_metric_of(adam)
        for _ in range(2):
            balancer.backward(corpus.apart(), batch=corpus.batch() if with_batch else None)
            adam.step()
            corpus.clear()
        shown.append([signals.gramian for signals in method.seen])
    torch.testing.assert_close(shown[0], shown[1], rtol=1e-6, atol=1e-12)


def hooked(corpus: Corpus) -> None:
    """Have someone be told of a gradient."""
    corpus.net.table.weight.register_hook(lambda gradient: 2 * gradient)


def hooked_after(corpus: Corpus) -> None:
    corpus.net.table.weight.register_post_accumulate_grad_hook(lambda parameter: None)


def trained_beside(corpus: Corpus) -> None:
    """Have a parameter trained that is not compared."""
    corpus.net.register_parameter("scale", torch.nn.Parameter(torch.ones((), dtype=torch.float64)))
    linear = corpus.net.decoder.q
    unchecked(linear).forward = lambda x: torch.nn.functional.linear(x * corpus.net.scale, linear.weight, linear.bias)


def list_compared(net: Network) -> list[Tensor]:
    return [parameter for name, parameter in net.named_parameters() if name != "scale"]


def fixed_beside(corpus: Corpus) -> None:
    """Have the last table be a layer's that is not known, in the second of two passes alone."""
    calls = []
    embed = corpus.net.table.forward

    def forward(words: Tensor) -> Tensor:
        calls.append(0)
        found: Tensor = embed(words)
        return found + 0.0 * corpus.net.encoder.q.bias if len(calls) > 2 else found

    unchecked(corpus.net.table).forward = forward


CASES: dict[str, Any] = {
    "unknown use": ({}, masked, "one pass"),
    "unknown use in the second pass": ({}, fixed_beside, "two passes"),
    "a hook": ({}, hooked, "one pass"),
    "a hook afterwards": ({}, hooked_after, "one pass"),
    "another parameter": ({}, trained_beside, "one pass"),
    "halves": ({"halves": True}, None, "one pass"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_joined_passes_do_not_tell_takes_a_pass_for_each_task_as_before(name: str) -> None:
    """To the bit, dropout's masks, later random numbers and the gradients before included."""
    settings, spoil, form = CASES[name]
    found = []
    for with_batch in (True, False):
        corpus = Corpus(dropout=0.4)
        method = spy("gramian", weights=WEIGHTS, **settings)
        if spoil is not None:
            spoil(corpus)
        torch.manual_seed(3)
        corpus.net.table.weight.grad = torch.ones_like(corpus.net.table.weight)
        take(corpus, method, corpus.batch(form) if with_batch else None, list_compared)
        signals = method.seen[0]
        found.append([*corpus.gradients(), signals.gramian, signals.losses, torch.rand(3)])
    for one, two in zip(*found, strict=True):
        assert one is not None
        assert two is not None
        assert one.equal(two)


def test_a_parameter_that_is_fixed_or_in_no_graph_is_no_obstacle() -> None:
    corpus, other = Corpus(), Corpus()
    for each in (corpus, other):
        each.net.encoder.norm.requires_grad_(False)
        each.net.spare = torch.nn.Linear(2, 2).double()
    take(corpus, spy("gramian", weights=WEIGHTS), corpus.batch())
    take(other, spy("gramian", weights=WEIGHTS))
    assert corpus.net.calls == 1
    assert_equal(corpus.gradients(), other.gradients())


def test_complex_parameters_take_a_pass_for_each_task() -> None:
    weight = torch.nn.Parameter(torch.randn(3, 3, dtype=torch.complex64))
    table = torch.nn.Parameter(torch.randn(5, 3))
    owners = torch.tensor([0, 0, 1, 1])
    calls = []

    def each() -> Tensor:
        calls.append(0)
        real = torch.nn.functional.embedding(torch.tensor([0, 3, 3, 1]), table)
        rows = torch.complex(real, 2 * real)
        return (rows @ weight).abs().square().sum(1)

    def mixed() -> dict[str, Tensor]:
        found = each()
        return {"a": found[:2].sum(), "b": found[2:].sum()}

    grams = []
    for batch in (OwnedBatch(mixed, ["a", "b"], owners), None):
        method = spy("gramian", weights=[1.0, 1.0])
        apart = {"a": lambda: each()[:2].sum(), "b": lambda: each()[2:].sum()}
        TaskBalancer(method, ["a", "b"], [weight, table]).backward(apart, batch=batch)
        grams.append(method.seen[0].gramian)
    assert grams[0].equal(grams[1])
    assert len(calls) == 1 + 4


def test_a_graph_that_was_used_up_is_said() -> None:
    corpus = Corpus()
    batch = corpus.batch()[0]
    kept = dict(batch.compute())
    torch.autograd.grad(torch.stack(list(kept.values())).sum(), list(corpus.net.parameters()))
    step = take(corpus, spy("gramian", weights=WEIGHTS), replace(batch, compute=lambda: kept))
    assert step.curvature is not None
    assert corpus.net.calls == 1 + 6  # what layers took in is gone: each task by itself
