"""Mixed precision: autocast, gradient scalers, and the accuracy of float32 products."""

import pytest
import torch
from networks import ALPHA, as_callables, assert_same, batches, gradients, network
from steps import balancer, paper
from torch import nn

from catscale import TaskBalancer


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
