"""Mixed precision: autocast, gradient scalers, and the accuracy of float32 products."""

import pytest
import torch
from torch import nn

from catscale import TaskBalancer
from catscale.balancing.engine.gramian import gramian, products, squared_norms
from tests.balancing.engine.spies import spy
from tests.balancing.engine.steps import balancer, paper
from tests.balancing.networks import ALPHA, TASKS, as_callables, assert_same, batches, dense_rows, gradients, network
from tests.unchecked import unchecked


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
        torch.testing.assert_close(
            unchecked(made.state).curvature_multiplier, unchecked(reference.state).curvature_multiplier
        )
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


@pytest.mark.parametrize(("kind", "known"), [("products", True), ("norms", False), ("gramian", False)])
def test_overflowed_gradients_are_not_shown(kind: str, known: bool) -> None:
    """The scaler finds the overflow in `.grad`, skips and backs off; the method waits for the next step."""
    theta = nn.Parameter(torch.tensor([1e3, 1.0]))
    method = spy(kind, known, [1.0, 1.0])
    made = TaskBalancer(method, ["a", "b"], [theta])
    optimizer, scaler = torch.optim.SGD([theta], lr=0.1), torch.amp.GradScaler("cpu", init_scale=2.0**100)
    losses = {"a": lambda: theta[0] ** 5, "b": lambda: theta[1] ** 2}
    result = made.backward(losses, scaler=scaler)
    assert result.skipped
    assert result.losses == {"a": pytest.approx(1e15), "b": 1.0}
    assert not method.seen
    assert unchecked(made.state).steps == 0
    scaler.step(optimizer)
    scaler.update()
    assert theta.tolist() == [1e3, 1.0]
    assert scaler.get_scale() == 2.0**99


@pytest.mark.parametrize("kind", ["products", "norms", "gramian"])
def test_signals_are_unscaled(kind: str) -> None:
    for scale in (1.0, 2.0**12):
        model, method = network(), spy(kind)
        made = TaskBalancer(method, TASKS, model.shared())
        result = made.backward(as_callables(model, batches()), scaler=torch.amp.GradScaler("cpu", init_scale=scale))
        rows = dense_rows(network(), batches())
        combined = torch.tensor(ALPHA).double() @ rows
        wanted = {"products": rows @ combined, "norms": rows.norm(dim=1), "gramian": rows @ rows.T}[kind]
        torch.testing.assert_close(getattr(method.seen[0], kind), wanted)
        assert result.gradient_norms == pytest.approx(dict(zip(TASKS, rows.norm(dim=1).tolist(), strict=True)))


@pytest.mark.parametrize("spread", [0.0, 0.5, 30.0], ids=["aligned", "related", "unrelated"])
def test_a_million_float32_columns(spread: float) -> None:
    """Relative errors of products and squares against float64; of G relative to the norms."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(700, 1000), (4096,), (4097,), (77, 4000), (1,), (), (0,)]
    common = [torch.randn(s, generator=generator) for s in shapes]
    rows = [[(n + 1) * c + spread * torch.randn(s, generator=generator) for c, s in zip(common, shapes, strict=True)]
            for n in range(4)]  # fmt: skip
    exact = torch.stack([torch.cat([p.double().flatten() for p in row]) for row in rows])
    lengths = exact.norm(dim=1)
    assert ((gramian(rows) - exact @ exact.T) / torch.outer(lengths, lengths)).abs().max() < 1e-6
    assert (squared_norms(rows) / lengths**2 - 1).abs().max() < 1e-6
    combined = [sum(parts) for parts in zip(*rows, strict=True)]
    vector = torch.cat([p.double().flatten() for p in combined])
    found, squares = products(rows, combined)
    assert ((found - exact @ vector) / (lengths * vector.norm())).abs().max() < 1e-6
    assert (squares / lengths**2 - 1).abs().max() < 1e-6
