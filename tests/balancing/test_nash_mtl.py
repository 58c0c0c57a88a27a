"""The bargaining solution: its defining equation, closed forms, TorchJD's, and the settings."""

import warnings

import pytest
import torch
from pydantic import ValidationError

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.nash_mtl import NashMTL, nash_weights


@pytest.mark.parametrize("tasks", [1, 2, 5, 20])
def test_every_task_gains_in_the_same_proportion(tasks: int) -> None:
    for seed in range(20):
        rows = torch.randn(tasks, 30, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        rows = rows * torch.logspace(-3, 3, tasks, dtype=torch.float64)[:, None]
        gramian = rows @ rows.T
        weights = nash_weights(gramian, ridge=1e-12)
        assert (weights > 0).all()
        gains = (gramian @ weights) * weights / torch.linalg.matrix_norm(gramian)
        torch.testing.assert_close(gains, torch.ones_like(gains), rtol=1e-9, atol=0)


def test_two_tasks_have_a_closed_form() -> None:
    for step in trajectory(size=2):
        gramian = step.gradients @ step.gradients.T
        norms = gramian.diagonal().sqrt()
        cosine = gramian[0, 1] / norms.prod()
        expected = (torch.linalg.matrix_norm(gramian) / (1 + cosine)).sqrt() / norms
        torch.testing.assert_close(nash_weights(gramian, ridge=1e-13), expected)


def test_it_solves_what_torchjd_s_iteration_approaches() -> None:
    pytest.importorskip("ecos", reason="pip install ecos to compare with TorchJD's NashMTL, which needs it")
    from torchjd.aggregation import NashMTL as Theirs

    nearer = 0
    for seed in range(3):
        rows = torch.randn(3, 10, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        gramian = rows @ rows.T
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = Theirs(3, max_norm=0.0, optim_niter=200).weighting(rows)
        exact = nash_weights(gramian, ridge=1e-12)
        frobenius = torch.linalg.matrix_norm(gramian)
        error = [((gramian @ w) * w / frobenius - 1).abs().max() for w in (exact, theirs)]
        nearer += bool(error[0] < 1e-6 < error[1])
        assert (theirs / exact - 1).abs().max() < 1.0  # far off, but of the same order
    assert nearer == 3


def test_a_long_step_is_shortened() -> None:
    rows = torch.randn(4, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    signals = Signals(torch.arange(4), torch.ones(4), rows @ rows.T)
    free, _ = NashMTL(max_norm=None).step(NashMTL().init(4), signals)
    limited, _ = NashMTL(max_norm=0.5).step(NashMTL().init(4), signals)
    assert (limited @ rows).norm().item() == pytest.approx(0.5)
    torch.testing.assert_close(limited / limited.sum(), free / free.sum())
    loose, _ = NashMTL(max_norm=1e6).step(NashMTL().init(4), signals)
    assert loose.equal(free)


def test_weights_are_kept_for_the_interval_and_belong_to_tasks() -> None:
    method = NashMTL(interval=3)
    state = method.init(N)
    kinds = []
    for step in trajectory():
        measured = method.request(state).kind == "gramian"
        kinds.append(measured)
        known = method.weights(state, step.task_ids)
        gramian = step.gradients @ step.gradients.T if measured else None
        before = state.values
        weights, state = method.step(state, Signals(step.task_ids, step.losses, gramian))
        if measured:
            assert known is None
            assert state.values[step.task_ids].equal(weights)
        else:
            assert weights.equal(known)
            assert state.values.equal(before)
    assert kinds[:6] == [True, False, False] * 2


def test_opposed_gradients_have_bounded_weights() -> None:
    gramian = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    weights = nash_weights(gramian, ridge=1e-6)
    assert (weights <= 1.0001e3 * torch.linalg.matrix_norm(gramian).sqrt()).all()


def test_groups_know_no_interval() -> None:
    with pytest.raises(ValidationError, match=r"interval must be 1 with granularity: groups, found 2"):
        NashMTL(granularity="groups", interval=2)
