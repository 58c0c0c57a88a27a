"""ExcessMTL: TorchJD's weighting on gradients of one number, by hand where tasks are absent, and its rest."""

import math

import pytest
import torch
from torchjd.aggregation import ExcessMTLWeighting

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.excess_mtl import ExcessMTL
from catscale.errors import DivergedError


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


def test_known_answer() -> None:
    """Norms (1, 1) and (2, 1) after a warm-up of one step: E is 1 for both, then 4 / √5 and 1 / √2."""
    method = ExcessMTL(step_size=0.1, warmup=1)
    state = method.init(2)
    for norms in ([1.0, 1.0], [2.0, 1.0]):
        assert state.logits.tolist() == [0.0, 0.0]
        _, state = method.step(state, Signals(torch.arange(2), torch.ones(2), norms=torch.tensor(norms)))
    half = 0.05 * (4 / 5**0.5 - 1 / 2**0.5)
    assert method.describe(state)["logits"] == pytest.approx([half, -half])
    assert state.squares.tolist() == [5.0, 2.0]


def test_steps_between_measured_ones_move_nothing_but_the_count() -> None:
    method = ExcessMTL(interval=3, warmup=1)
    state = method.init(2)
    kinds = []
    for step in range(6):
        kinds.append(method.request(state).kind)
        shown = torch.tensor([1.0, 1.0 + step]) if kinds[-1] == "norms" else None
        before = state
        _, state = method.step(state, Signals(torch.arange(2), torch.ones(2), norms=shown))
        assert (shown is None) == torch.equal(state.squares, before.squares)
    assert kinds == ["nothing", "nothing", "norms"] * 2
    assert (state.steps, state.counts.tolist()) == (6, [2.0, 2.0])
    assert state.logits[1] > 0 > state.logits[0]


def test_a_task_alone_in_its_steps_never_moves_against_the_absent_ones() -> None:
    method = ExcessMTL(step_size=1.0, warmup=1)
    state = method.init(3)
    for norm in (1.0, 50.0, 0.0, 3.0):
        signals = Signals(torch.tensor([1]), torch.ones(1), norms=torch.tensor([norm]))
        weights, state = method.step(state, signals)
        assert weights.tolist() == [1.0]
    assert state.logits.tolist() == [0.0, 0.0, 0.0]
    assert state.counts.tolist() == [0.0, 4.0, 0.0]


def test_norms_that_are_not_finite_or_not_measured_are_refused() -> None:
    ids = torch.tensor([0, 2])
    with pytest.raises(
        DivergedError, match=r"gradient norms must be finite, found \[nan, 1.0\] for the tasks with ids"
    ):
        ExcessMTL().step(ExcessMTL().init(3), Signals(ids, torch.ones(2), norms=torch.tensor([math.nan, 1.0])))
    with pytest.raises(ValueError, match=r"this step needs the gradients' norms, found none"):
        ExcessMTL().step(ExcessMTL().init(3), Signals(ids, torch.ones(2)))
