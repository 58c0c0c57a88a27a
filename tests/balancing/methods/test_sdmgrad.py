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


def test_by_hand_whichever_tasks_are_present() -> None:
    """The shares stay inside here, so that the projection only takes the mean off."""
    method = SDMGrad(pull=0.6, step_size=0.002, momentum=0.7, iterations=3)
    state = method.init(N)
    values = [1 / N] * N
    for step in trajectory()[:10]:
        ids, rows = step.task_ids.tolist(), step.gradients
        expected = [(values[n] / sum(values[k] for k in ids) + 0.6 / len(ids)) / 1.6 for n in ids]
        weights, state = method.step(state, Signals(step.task_ids, step.losses, rows @ rows.T))
        assert weights.tolist() == pytest.approx(expected)
        total, length = sum(values[n] for n in ids), sum(float(row.norm()) for row in rows) / len(ids)
        shares, speeds = [values[n] / total for n in ids], [0.0] * len(ids)
        for _ in range(3):
            along = sum((share + 0.6 / len(ids)) * row for share, row in zip(shares, rows, strict=True))
            speeds = [0.7 * v + float(row @ along) / length**2 for v, row in zip(speeds, rows, strict=True)]
            mean = sum(speeds) / len(ids)
            shares = [share - 0.002 * (v - mean) for share, v in zip(shares, speeds, strict=True)]
        assert min(shares) > 0
        for n, share in zip(ids, shares, strict=True):
            values[n] = share * total
    assert state.values.tolist() == pytest.approx(values)
    assert max(values) - min(values) > 0.01


@pytest.mark.parametrize("pull", [0.0, 0.3, 1e6])
def test_a_task_alone_has_all_the_weight(pull: float) -> None:
    method = SDMGrad(pull=pull, step_size=1.0)
    weights, state = method.step(method.init(1), Signals(torch.arange(1), torch.ones(1), torch.eye(1).double()))
    assert weights.tolist() == pytest.approx([1.0])
    assert state.values.tolist() == [1.0]


def test_momentum_does_not_outlive_a_measured_step() -> None:
    method, other = SDMGrad(momentum=0.9), SDMGrad(momentum=0.0)  # one iteration: no second step to push
    for step in trajectory(size=3)[:3]:
        signals = Signals(torch.arange(3), step.losses, step.gradients @ step.gradients.T)
        assert torch.equal(method.step(method.init(3), signals)[1].values, other.step(other.init(3), signals)[1].values)
