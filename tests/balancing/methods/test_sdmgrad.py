"""SDMGrad: TorchJD's weighting, its two limits, and the least weight."""

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.checks import N, follow, trajectory
from catscale.balancing.methods.mgda import min_norm_weights
from catscale.balancing.methods.sdmgrad import SDMGrad
from catscale.balancing.methods.torchjd_weighting import torchjd_weighting

ROWS = torch.tensor([[2.0, 0.5, 0.0], [-0.3, 1.0, 0.4], [0.5, -0.2, 0.8]], dtype=torch.float64)


def test_it_agrees_with_torchjd_one_step_later() -> None:
    method = SDMGrad(pull=0.4, step_size=0.2, momentum=0.6, iterations=7)
    theirs = torchjd_weighting("SDMGradWeighting", lr=0.2, momentum=0.6, n_iter=7, lambda_=0.4)
    state = method.init(N)
    for step in trajectory(size=N):
        gramian = step.gradients @ step.gradients.T
        _, state = method.step(state, Signals(torch.arange(N), step.losses, gramian))
        torch.testing.assert_close(method.weights(state, torch.arange(N)), theirs(gramian), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("pull", [0.0, 1.0, 1e6])
def test_at_rest_it_is_the_nearest_point_to_zero_of_the_pulled_hull(pull: float) -> None:
    """‖Σ (a_n + λ/K) g_n‖ is least where the rows g_n + λ g_0 have their min-norm point."""
    method = SDMGrad(pull=pull, step_size=0.3 / (1 + pull), momentum=0.0, iterations=1)
    state = method.init(3)
    for _ in range(300):
        _, state = method.step(state, Signals(torch.arange(3), torch.ones(3), ROWS @ ROWS.T))
    weights = method.weights(state, torch.arange(3))
    if pull < 1e6:
        shifted = ROWS + pull * ROWS.mean(0)
        expected = (min_norm_weights(shifted @ shifted.T) + pull / 3) / (1 + pull)
        torch.testing.assert_close(weights, expected, rtol=1e-6, atol=1e-8)
    else:
        torch.testing.assert_close(weights, torch.full_like(weights, 1 / 3), rtol=1e-5, atol=0)


def test_no_weight_is_less_than_the_pull_s() -> None:
    for weights in follow(SDMGrad(pull=0.5, step_size=10.0), trajectory(size=4))[0]:
        assert weights.min() >= 0.5 / 1.5 / 4 - 1e-12
        assert weights.sum().item() == pytest.approx(1)
