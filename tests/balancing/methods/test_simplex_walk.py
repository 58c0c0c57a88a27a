"""Walks on the simplex: the projection, what a step weights and what it moves, absent tasks, and refusals of states."""

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
