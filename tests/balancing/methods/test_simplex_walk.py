"""Walks on the simplex: the projection, what a step weights and what it moves, absent tasks, and refusals of states."""

from itertools import combinations

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.methods.modo import MoDo
from catscale.balancing.methods.simplex_walk import WalkState, project_on_simplex
from catscale.errors import DivergedError

TWO = torch.arange(2)
GRAMIAN = torch.tensor([[4.0, 0.0], [0.0, 1.0]], dtype=torch.float64)


def test_the_projection_meets_its_conditions() -> None:
    generator = torch.Generator().manual_seed(0)
    for size in (1, 2, 5, 9):
        for _ in range(20):
            point = torch.randn(size, generator=generator, dtype=torch.float64)
            found = project_on_simplex(point)
            assert found.sum().item() == pytest.approx(1)
            assert (found >= 0).all()
            moved = point - found
            assert moved[found > 0].max() - moved[found > 0].min() < 1e-12
            assert (moved <= moved[found > 0].max() + 1e-12).all()


def test_a_step_uses_the_weights_of_earlier_steps_and_moves_them_towards_the_short_gradient() -> None:
    method = MoDo(step_size=0.1, regulariser=0.0)
    weights, state = method.step(method.init(2), Signals(TWO, torch.ones(2), GRAMIAN))
    assert weights.tolist() == [0.5, 0.5]
    assert state.values.tolist() == pytest.approx([0.5 - 0.1 / 3, 0.5 + 0.1 / 3])  # half of 0.1 (2 − 0.5) / 1.5²


def test_present_tasks_share_what_they_had_together_and_one_without_weight_rests() -> None:
    state = WalkState(torch.tensor([0.0, 0.6, 0.4], dtype=torch.float64))
    method = MoDo()
    _, after = method.step(state, Signals(torch.tensor([0, 2]), torch.ones(2), GRAMIAN))
    assert after.values[1] == 0.6
    assert after.values.sum().item() == pytest.approx(1)
    _, after = method.step(state, Signals(torch.tensor([0]), torch.ones(1), GRAMIAN[:1, :1]))
    assert after.values.tolist() == state.values.tolist()
    assert method.weights(state, torch.tensor([0])).tolist() == [1.0]


def test_only_the_last_step_of_an_interval_measures() -> None:
    method = MoDo(interval=3)
    state = method.init(2)
    kinds = []
    for _ in range(6):
        request = method.request(state)
        kinds.append((request.kind, request.halves))
        shown = GRAMIAN if request.kind == "gramian" else None
        _, state = method.step(state, Signals(TWO, torch.ones(2), shown))
    assert kinds == [("nothing", False), ("nothing", False), ("gramian", True)] * 2


def test_states_off_the_simplex_are_not_the_method_s() -> None:
    assert MoDo().is_valid(MoDo().init(3))
    for values in ([0.5, 0.6], [1.5, -0.5]):
        assert not MoDo().is_valid(WalkState(torch.tensor(values, dtype=torch.float64)))


def test_products_that_are_not_finite_stop_it() -> None:
    with pytest.raises(
        DivergedError, match=r"products of the task gradients must be finite, found others for the tasks"
    ):
        MoDo().step(MoDo().init(2), Signals(TWO, torch.ones(2), GRAMIAN * torch.nan))


def test_the_projection_is_the_nearest_of_the_points_of_all_faces() -> None:
    generator = torch.Generator().manual_seed(1)
    for size in (1, 2, 4):
        for _ in range(5):
            point = torch.randn(size, generator=generator, dtype=torch.float64)
            faces = [list(face) for count in range(size) for face in combinations(range(size), count + 1)]
            candidates = []
            for face in faces:
                foot = torch.zeros_like(point)
                foot[face] = point[face] - (point[face].sum() - 1) / len(face)
                if (foot >= 0).all():
                    candidates.append(foot)
            nearest = min(candidates, key=lambda foot: float((foot - point).norm()))
            torch.testing.assert_close(project_on_simplex(point), nearest)


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ([7.0], [1.0]),
        ([-7.0], [1.0]),
        ([0.25, 0.75], [0.25, 0.75]),
        ([2.0, 2.0, 1.0], [0.5, 0.5, 0.0]),
        ([-5.0, -5.0], [0.5, 0.5]),
        ([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
        ([1e6, 0.0], [1.0, 0.0]),
    ],
)
def test_projections_of_single_points_of_ties_and_of_points_on_the_simplex(
    point: list[float], expected: list[float]
) -> None:
    assert project_on_simplex(torch.tensor(point, dtype=torch.float64)).tolist() == expected


def test_gradients_without_a_square_above_zero_move_nothing_but_the_count() -> None:
    """Squares that are free of the noise's share may be negative."""
    state = WalkState(torch.tensor([0.3, 0.7], dtype=torch.float64), steps=4)
    for gramian in (torch.zeros(2, 2), torch.tensor([[-1.0, 0.5], [0.5, -2.0]])):
        weights, after = MoDo().step(state, Signals(TWO, torch.ones(2), gramian.double()))
        assert weights.tolist() == after.values.tolist() == [0.3, 0.7]
        assert after.steps == 5


def test_a_negative_square_counts_as_no_length() -> None:
    """σ = (√4 + 0) / 2 = 1, so that G itself moves the shares: ½ (4 − (−1)) · 0.1 apart."""
    gramian = torch.tensor([[4.0, 0.0], [0.0, -1.0]], dtype=torch.float64)
    method = MoDo(step_size=0.1, regulariser=0.0)
    _, state = method.step(method.init(2), Signals(TWO, torch.ones(2), gramian))
    assert state.values.tolist() == pytest.approx([0.5 - 0.125, 0.5 + 0.125])


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1e8, 1e200])
def test_the_walk_does_not_depend_on_the_unit_of_the_gradients(scale: float) -> None:
    ends = [MoDo().step(MoDo().init(2), Signals(TWO, torch.ones(2), GRAMIAN * by))[1] for by in (1.0, scale)]
    torch.testing.assert_close(ends[0].values, ends[1].values)


def test_a_step_that_was_to_be_measured_and_was_not_is_refused() -> None:
    with pytest.raises(ValueError, match=r"this step needs the Gram matrix, found none; measure what request\(\)"):
        MoDo().step(MoDo().init(2), Signals(TWO, torch.ones(2)))


def test_the_log_shows_the_shares_of_absent_tasks_too() -> None:
    assert MoDo().describe(WalkState(torch.tensor([0.25, 0.75], dtype=torch.float64))) == {"shares": [0.25, 0.75]}
