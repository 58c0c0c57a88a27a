"""PCD: against TorchJD where all tasks are present, by quadratic programming where not, and by hand."""

from itertools import combinations

import numpy as np
import pytest
import torch
from qpsolvers import solve_qp

from catscale.balancing import Signals
from catscale.balancing.checks import N, Step, trajectory
from catscale.balancing.methods.pcd import PCD, least_bend
from catscale.balancing.methods.torchjd_weighting import torchjd_weighting
from catscale.errors import ConfigError

TASKS = [f"task {n}" for n in range(N)]


def show(step: Step) -> Signals:
    return Signals(step.task_ids, step.losses, step.gradients @ step.gradients.T)


@pytest.mark.parametrize("progress", [0.02, 0.5])
def test_it_agrees_with_torchjd_where_all_tasks_are_present(progress: float) -> None:
    method = PCD(primary="task 0", progress=progress, smoothing=0.8).bind(TASKS, [])
    theirs = torchjd_weighting("PCDWeighting", tau=progress, beta=0.8, eps=0.0)
    state = method.init(N)
    bent = 0
    for step in trajectory(size=N):
        rows = step.gradients[step.task_ids.argsort()]
        weights, state = method.step(state, Signals(torch.arange(N), step.losses, rows @ rows.T))
        expected = theirs(rows @ rows.T)
        torch.testing.assert_close(weights, expected, rtol=1e-6, atol=1e-8)
        bent += int(bool((expected[1:] > 0).any()))
    assert bent > 10


def slow_step(rows: torch.Tensor, scales: list[float], primary: int | None, progress: float) -> torch.Tensor:
    """Return the step, by a quadratic program over d itself."""
    if primary is None:
        own = rows.mean(0)
        first = own / own.norm()
    else:
        own = rows[primary]
        first = own * scales[primary]
    others = [row * scale for n, (row, scale) in enumerate(zip(rows, scales, strict=True)) if n != primary]
    sides = np.array([-progress * float(other @ other) for other in others])
    matrix = -torch.stack(others).numpy() if others else np.zeros((1, len(first)))
    found = solve_qp(np.eye(len(first)), -first.numpy(), matrix, sides if others else np.zeros(1), solver="quadprog")
    direction = first if found is None else torch.from_numpy(found)
    return direction * (own.norm() / direction.norm())


@pytest.mark.parametrize("primary", [2, None])
def test_it_is_the_quadratic_program_whichever_tasks_are_present(primary: int | None) -> None:
    method = PCD(primary=None if primary is None else TASKS[primary], progress=0.3, smoothing=0.7).bind(TASKS, [])
    state = method.init(N)
    squares, updates = dict.fromkeys(range(N), 0.0), dict.fromkeys(range(N), 0)
    for step in trajectory():
        weights, state = method.step(state, show(step))
        ids = step.task_ids.tolist()
        scales = []
        for n, row in zip(ids, step.gradients, strict=True):
            squares[n] = 0.7 * squares[n] + 0.3 * float(row @ row)
            updates[n] += 1
            scales.append((squares[n] / (1 - 0.7 ** updates[n])) ** -0.5)
        position = ids.index(primary) if primary in ids else None
        expected = slow_step(step.gradients, scales, position, 0.3)
        torch.testing.assert_close(weights @ step.gradients, expected, rtol=1e-5, atol=1e-6)


def test_two_tasks_have_a_closed_form() -> None:
    """Lengths 1 at 135°, τ = 0: the primary loses its part against the other, and its length comes back."""
    rows = torch.tensor([[1.0, 0.0], [-(0.5**0.5), 0.5**0.5]], dtype=torch.float64)
    method = PCD(primary="a", progress=0.0).bind(["a", "b"], [])
    weights, _ = method.step(method.init(2), Signals(torch.arange(2), torch.ones(2), rows @ rows.T))
    assert (weights @ rows).tolist() == pytest.approx([0.5**0.5, 0.5**0.5])
    assert weights.tolist() == pytest.approx([2**0.5, 1.0])


def test_nothing_bends_where_the_primary_already_gives_every_task_its_share() -> None:
    rows = torch.tensor([[2.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    method = PCD(primary="a").bind(["a", "b"], [])
    weights, _ = method.step(method.init(2), Signals(torch.arange(2), torch.ones(2), rows @ rows.T))
    assert weights.tolist() == [1.0, 0.0]


def test_constraints_that_cannot_be_met_together_are_dropped() -> None:
    rows = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], dtype=torch.float64)
    method = PCD(primary="a", progress=0.5).bind(["a", "b", "c"], [])
    weights, _ = method.step(method.init(3), Signals(torch.arange(3), torch.ones(3), rows @ rows.T))
    assert weights.tolist() == [1.0, 0.0, 0.0]


def test_opposed_gradients_without_a_primary_weigh_equally() -> None:
    rows = torch.tensor([[1.0, 2.0], [-1.0, -2.0]], dtype=torch.float64)
    weights, _ = PCD().step(PCD().init(2), Signals(torch.arange(2), torch.ones(2), rows @ rows.T))
    assert weights.tolist() == [0.5, 0.5]


def test_an_unknown_primary_and_an_unbound_one_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"balancing.primary must be one of the tasks a, b, found 'x'; name one"):
        PCD(primary="x").bind(["a", "b"], [])
    with pytest.raises(ConfigError, match=r"balancing.primary is 'a'; call bind\(tasks, groups\) before"):
        PCD(primary="a").step(PCD().init(2), Signals(torch.arange(2), torch.ones(2), torch.eye(2)))


def test_the_least_bend_is_the_least_of_all_active_sets() -> None:
    generator = torch.Generator().manual_seed(3)
    bent = 0
    for size in (1, 2, 3, 4) * 5:
        rows = torch.randn(size, size + 1, generator=generator, dtype=torch.float64)
        rows = rows / rows.norm(dim=1, keepdim=True)
        right = torch.randn(size, generator=generator, dtype=torch.float64)
        unit, best = rows @ rows.T, torch.zeros(size, dtype=torch.float64)
        lowest = 0.0
        for active in [list(part) for count in range(size) for part in combinations(range(size), count + 1)]:
            trial = torch.zeros_like(right)
            trial[active] = torch.linalg.solve(unit[active][:, active], right[active])
            value = float(trial @ unit @ trial / 2 - right @ trial)
            if (trial >= 0).all() and value < lowest:
                lowest, best = value, trial
        torch.testing.assert_close(least_bend(unit, right), best, rtol=1e-8, atol=1e-10)
        bent += int((best > 0).sum() > 1)
    assert bent > 3


def test_nothing_bends_for_sides_that_are_met_or_cannot_be() -> None:
    opposed = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)
    for right, expected in (([0.0, -3.0], [0.0, 0.0]), ([1.0, 1.0], [0.0, 0.0]), ([1.0, -1.0], [1.0, 0.0])):
        found = least_bend(opposed, torch.tensor(right, dtype=torch.float64))
        assert found.tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("progress", [0.0, 0.4])
def test_every_other_task_makes_its_promised_progress_and_the_step_is_as_long_as_the_primary(progress: float) -> None:
    """In a first step all g̃_n are of length 1, so that d, in which g̃_0 counts once, is the step over w_0 ‖g_0‖."""
    method = PCD(primary="task 0", progress=progress).bind(TASKS, [])
    bent = 0
    for step in trajectory(size=3)[:10]:
        rows = step.gradients
        weights, _ = method.step(method.init(N), Signals(torch.arange(3), step.losses, rows @ rows.T))
        own = float(rows[0].norm())
        assert float((weights @ rows).norm()) == pytest.approx(own)
        products = (rows / rows.norm(dim=1, keepdim=True))[1:] @ (weights @ rows) / (weights[0] * own)
        assert (products >= progress - 1e-9).all()
        assert products[weights[1:] > 0].tolist() == pytest.approx([progress] * int((weights[1:] > 0).sum()), abs=1e-9)
        bent += int((weights[1:] > 0).sum())
    assert bent > 0


def test_a_primary_without_gradient_leaves_the_rest_to_the_mean() -> None:
    rows = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    method = PCD(primary="a").bind(["a", "b", "c"], [])
    weights, _ = method.step(method.init(3), Signals(torch.arange(3), torch.ones(3), rows @ rows.T))
    assert weights[0] == 0
    assert weights[1].item() == pytest.approx(weights[2].item())
    assert weights[1] > 0


def test_running_squares_are_kept_for_absent_tasks_and_free_of_the_start() -> None:
    method = PCD(smoothing=0.5)
    state = method.init(3)
    for norms in ([2.0, 1.0], [4.0, 3.0]):
        gramian = torch.diag(torch.tensor(norms, dtype=torch.float64).square())
        _, state = method.step(state, Signals(torch.tensor([2, 0]), torch.ones(2), gramian))
    assert state.squares.tolist() == [0.25 * 1 + 0.5 * 9, 0.0, 0.25 * 4 + 0.5 * 16]
    assert state.updates.tolist() == [2.0, 0.0, 2.0]
