"""The toy of CAGrad: its front, what is on it, and a short trajectory with its picture."""

import pytest
import torch
from benchmarks.outside.toy_picture import draw
from benchmarks.outside.toy_problem import STARTS, toy_gradients, toy_losses
from benchmarks.outside.toys import descend, is_on_front

from catscale.balancing import METHODS


def test_losses_at_known_points() -> None:
    """At x_2 = −8 the bowls count with tanh 4; at x_2 = 8 the valleys do."""
    points = torch.tensor([[0.0, -8.0], [-7.0, 8.0]], dtype=torch.float64)
    first, second = toy_losses(points, 1.0)
    assert [first[0].item(), second[0].item()] == pytest.approx([-15.1 * 0.999329299739067] * 2)
    assert first[1].item() == pytest.approx(6.0, abs=0.01)  # ½ · 0 + tanh 8 = 1, whose logarithm is 0
    scaled, shifted = toy_losses(points, 0.1, 25.0)
    torch.testing.assert_close(scaled, 0.1 * (first + 25))
    torch.testing.assert_close(shifted, second + 25)


def test_gradients_are_differences_of_the_losses() -> None:
    points = torch.tensor([[1.0, -3.0], [-2.0, 4.0]], dtype=torch.float64)
    found = toy_gradients(points, 0.1)
    for axis in range(2):
        step = torch.zeros_like(points)
        step[:, axis] = 1e-6
        slopes = torch.stack(toy_losses(points + step)) - torch.stack(toy_losses(points - step))
        torch.testing.assert_close(found[:, :, axis], slopes.T / 2e-6, rtol=1e-6, atol=1e-7)


def test_points_between_the_bowls_are_on_the_front_and_the_starts_are_not() -> None:
    assert is_on_front(torch.tensor([2.0, -8.3], dtype=torch.float64))
    assert not any(is_on_front(torch.tensor(start, dtype=torch.float64)) for start in STARTS)
    assert not is_on_front(torch.tensor([9.0, -8.3], dtype=torch.float64))


@pytest.mark.parametrize("method", ["config", "lra"])
def test_trajectories_go_down_into_the_bowls(method: str) -> None:
    points = descend(METHODS[method](), STARTS[3:], 60, 0.2, 0.1)
    assert points.shape == (61, 2, 2)
    assert (points[-1, :, 1] < -5).all()


def test_the_picture_has_a_line_for_each_start() -> None:
    text = draw({"config": [torch.zeros(3, 2), torch.ones(3, 2)]})
    assert text.count("<polyline") == 2
    assert text.startswith("<svg")
