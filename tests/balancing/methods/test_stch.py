"""STCH: against TorchJD's scalarizer, the logarithms by autograd, running losses by hand, and refusals."""

import math

import pytest
import torch
from torchjd import scalarization

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.stch import STCH
from catscale.errors import ConfigError, DivergedError
from tests.balancing.methods.scalarizers import gradient_of, together

ALL = torch.arange(N)


def test_plain_weights_are_torchjd_s_over_their_sum() -> None:
    preferences, ideals = [0.5, 1.0, 2.0, 1.0, 0.25], [0.0, 0.1, 0.2, 0.0, 0.3]
    method = STCH(smoothing=0.8, preferences=preferences, ideals=ideals, warmup=1, rate=1.0)
    theirs = scalarization.STCH(0.8, torch.tensor(preferences).double(), torch.tensor(ideals).double())
    state = method.init(N)
    for losses in together():
        _, state = method.step(state, Signals(ALL, losses))
        expected = gradient_of(theirs, losses)
        torch.testing.assert_close(method.weights(state, ALL), expected / expected.sum())


def test_logarithms_are_the_gradient_of_the_authors_objective_over_its_sum() -> None:
    method = STCH(form="log", smoothing=0.7, warmup=4, rate=1.0)
    state = method.init(N)
    steps = together()
    for losses in steps[:4]:
        weights = method.weights(state, ALL)
        latest = state.running.nan_to_num(1.0)
        torch.testing.assert_close(weights, (1 / latest) / (1 / latest).sum())  # the sum of logarithms
        _, state = method.step(state, Signals(ALL, losses))
    nadir = torch.stack(steps[:4]).mean(0)
    for losses in steps[4:]:
        _, state = method.step(state, Signals(ALL, losses))
        leaf = losses.clone().requires_grad_()
        (0.7 * torch.logsumexp((leaf / nadir).log() / 0.7, 0)).backward()
        assert leaf.grad is not None
        torch.testing.assert_close(method.weights(state, ALL), leaf.grad / leaf.grad.sum())


def test_running_losses_and_warm_up_by_hand_whichever_tasks_are_present() -> None:
    method = STCH(warmup=3, rate=0.25, smoothing=2.0)
    state = method.init(N)
    running, counts = dict[int, float](), dict.fromkeys(range(N), 0)
    for step in trajectory():
        ids = step.task_ids.tolist()
        weights, state = method.step(state, Signals(step.task_ids, step.losses))
        if all(counts[n] >= 3 for n in ids):
            powers = [math.exp(running[n] / 2) for n in ids]
            assert weights.tolist() == pytest.approx([power / sum(powers) for power in powers], rel=1e-9)
        else:
            assert weights.tolist() == [1 / len(ids)] * len(ids)
        for n, loss in zip(ids, step.losses.tolist(), strict=True):
            running[n] = running[n] + 0.25 * (loss - running[n]) if n in running else loss
            counts[n] = min(3, counts[n] + 1)
    assert state.counts.tolist() == list(counts.values())


def test_little_smoothing_gives_all_to_the_worst_task() -> None:
    method = STCH(smoothing=0.01, warmup=1, rate=1.0)
    _, state = method.step(method.init(2), Signals(torch.arange(2), torch.tensor([1.0, 2.0])))
    assert method.weights(state, torch.arange(2)).tolist() == pytest.approx([0.0, 1.0], abs=1e-12)


def test_preferences_and_ideals_are_bound_by_name() -> None:
    bound = STCH(preferences={"b": 3.0}, ideals={"a": 0.5}).bind(["a", "b"], [])
    assert (bound.preferences, bound.ideals) == ([1.0, 3.0], [0.5, 0.0])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"balancing.preferences names x; the tasks are a, b; use their names"):
        STCH(preferences={"x": 1.0}).bind(["a", "b"], [])
    with pytest.raises(ConfigError, match=r"balancing.ideals: found 1 numbers for 2 tasks; give one per task"):
        STCH(ideals=[1.0]).init(2)
    with pytest.raises(ConfigError, match=r"balancing.ideals goes with form: plain, found form: log"):
        STCH(form="log", ideals=[1.0, 1.0]).init(2)


def test_a_loss_that_is_not_finite_stops_it() -> None:
    signals = Signals(torch.tensor([1]), torch.tensor([math.nan], dtype=torch.float64))
    with pytest.raises(
        DivergedError, match=r"losses must be finite, found \[nan\] for the tasks with ids \[1\]; lower"
    ):
        STCH().step(STCH().init(2), signals)


def test_the_log_form_by_hand_whichever_tasks_are_present() -> None:
    """The warm-up of every task ends by itself, and its mean is not moved by what follows."""
    method = STCH(form="log", warmup=3, rate=0.25, smoothing=0.5)
    state = method.init(N)
    running, early = dict[int, float](), {n: list[float]() for n in range(N)}
    warm = 0
    for step in trajectory() + trajectory(seed=1):
        ids = step.task_ids.tolist()
        weights, state = method.step(state, Signals(step.task_ids, step.losses))
        known = [running[n] for n in ids if n in running]
        losses = [running.get(n, sum(known) / len(known) if known else 1.0) for n in ids]
        powers = [1 / loss for loss in losses]
        if all(len(early[n]) == 3 for n in ids):
            warm += 1
            powers = [(loss / (sum(early[n]) / 3)) ** 2 / loss for n, loss in zip(ids, losses, strict=True)]
        assert weights.tolist() == pytest.approx([power / sum(powers) for power in powers], rel=1e-9)
        for n, loss in zip(ids, step.losses.tolist(), strict=True):
            running[n] = running[n] + 0.25 * (loss - running[n]) if n in running else loss
            early[n] = [*early[n], loss][:3]
    assert warm > 10


def test_known_answer() -> None:
    """p (L − z) / μ = (0, ln 2) with p = (1, 2): weights 1 · 1 and 2 · 2 over their sum."""
    method = STCH(preferences=[1.0, 2.0], ideals=[1.0, 0.0], smoothing=2.0, warmup=1)
    losses = torch.tensor([1.0, math.log(2)], dtype=torch.float64)
    weights, state = method.step(method.init(2), Signals(torch.arange(2), losses))
    assert weights.tolist() == [0.5, 0.5]
    assert method.weights(state, torch.tensor([0, 1])).tolist() == pytest.approx([0.2, 0.8])
    assert method.weights(state, torch.tensor([1, 0])).tolist() == pytest.approx([0.8, 0.2])
    assert method.weights(state, torch.tensor([1])).tolist() == [1.0]


def test_much_smoothing_leaves_the_preferences_and_a_huge_loss_stays_finite() -> None:
    losses = torch.tensor([1.0, 900.0, 3.0], dtype=torch.float64)
    for smoothing, expected in ((1e6, [0.1, 0.4, 0.5]), (1e-3, [0.0, 1.0, 0.0])):
        method = STCH(preferences=[1.0, 4.0, 5.0], smoothing=smoothing, warmup=1)
        _, state = method.step(method.init(3), Signals(torch.arange(3), losses))
        assert method.weights(state, torch.arange(3)).tolist() == pytest.approx(expected, abs=1e-2)


def test_binding_leaves_lists_and_nothing_as_they_are() -> None:
    bound = STCH(preferences=[2.0, 3.0]).bind(["a", "b"], [])
    assert (bound.preferences, bound.ideals) == ([2.0, 3.0], None)
    with pytest.raises(ConfigError, match=r"balancing.preferences: found 1 numbers for 2 tasks"):
        STCH(preferences={"a": 2.0}).init(2)  # names that were not bound


def test_the_log_shows_zero_for_tasks_that_were_never_seen() -> None:
    _, state = STCH().step(STCH().init(3), Signals(torch.tensor([1]), torch.tensor([2.5], dtype=torch.float64)))
    assert STCH().describe(state) == {"running_losses": [0.0, 2.5, 0.0]}


def test_a_task_that_was_never_seen_has_the_mean_of_the_others() -> None:
    """Inverses of 1, 2, 6 and their mean 3, over the sum of the four, 2."""
    method = STCH(form="log")
    _, state = method.step(method.init(4), Signals(torch.arange(3), torch.tensor([1.0, 2.0, 6.0])))
    assert method.weights(state, torch.arange(4)).tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 12, 1 / 6])
    assert method.weights(method.init(4), torch.tensor([3, 1])).tolist() == [0.5, 0.5]
