"""ExcessMTL: TorchJD's weighting on gradients of one number, by hand where tasks are absent, and its rest."""

import math

import pytest
import torch
from torchjd.aggregation import ExcessMTLWeighting

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.excess_mtl import ExcessMTL


def test_with_one_parameter_it_agrees_with_torchjd_one_step_later() -> None:
    """One number per task is the whole Hessian then. TorchJD adds 1e-7 to it."""
    method = ExcessMTL(step_size=0.3, warmup=4)
    theirs = ExcessMTLWeighting(robust_step_size=0.3, n_warmup_steps=4)
    state = method.init(N)
    for step in trajectory(size=N):
        rows = step.gradients[:, :1] + 3
        signals = Signals(torch.arange(N), step.losses, norms=rows.norm(dim=1))
        _, state = method.step(state, signals)
        torch.testing.assert_close(method.weights(state, torch.arange(N)), theirs(rows), rtol=1e-5, atol=0)
    assert method.weights(state, torch.arange(N)).max() > 0.25


def test_by_hand_whichever_tasks_are_present() -> None:
    method = ExcessMTL(step_size=0.2, warmup=3)
    state = method.init(N)
    squares, excess, counts, logits = ([0.0] * N for _ in range(4))
    for step in trajectory() + trajectory(seed=1):
        ids = step.task_ids.tolist()
        signals = Signals(step.task_ids, step.losses, norms=step.gradients.norm(dim=1))
        weights, state = method.step(state, signals)
        powers = [math.exp(logits[n]) for n in ids]
        assert weights.tolist() == pytest.approx([power / sum(powers) for power in powers])
        relative = {}
        for n, row in zip(ids, step.gradients, strict=True):
            squares[n] += float(row @ row)
            now = float(row @ row) / squares[n] ** 0.5
            if counts[n] < 3:
                excess[n] += now
            else:
                relative[n] = now / (excess[n] / 3)
            counts[n] += 1
        for n, ratio in relative.items():
            logits[n] += 0.2 * (ratio - sum(relative.values()) / len(relative))
    assert max(logits) > 0.1


def test_a_task_that_is_learnt_loses_its_weight_whatever_its_scale() -> None:
    method = ExcessMTL(step_size=0.1, warmup=2)
    state = method.init(2)
    for step in range(100):
        norms = torch.tensor([1000.0 * 0.9**step, 1.0], dtype=torch.float64)
        _, state = method.step(state, Signals(torch.arange(2), norms, norms=norms))
    weights = method.weights(state, torch.arange(2))
    assert weights[0] < 0.4 < 0.6 < weights[1]


def test_a_task_whose_warm_up_had_no_gradient_is_left_alone() -> None:
    method = ExcessMTL(warmup=1)
    state = method.init(2)
    for _ in range(3):
        _, state = method.step(state, Signals(torch.arange(2), torch.ones(2), norms=torch.tensor([0.0, 1.0])))
    assert state.logits.tolist() == [0.0, 0.0]
