"""The report of a step: names, norms and curvature from what was measured."""

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.engine.balanced_step import describe_step, table_of
from catscale.balancing.engine.held_gradients import Measured
from catscale.balancing.engine.losses import Work

IDS = torch.tensor([2, 0])
WORK = Work(names=["c", "a"], task_ids=IDS, parts=[[], []], shares=[1.0, 1.0], portions=[1.0, 1.0], counts=[0, 0])
SIGNALS = Signals(IDS, torch.tensor([0.5, 1.5], dtype=torch.float64))
GRAMIAN = torch.tensor([[[4.0, 1.0], [1.0, 9.0]]], dtype=torch.float64)


def vector(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_values_are_told_by_the_names_in_their_order() -> None:
    assert table_of(["c", "a"], vector(1, 2)) == {"c": 1.0, "a": 2.0}
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        table_of(["c", "a"], vector(1))


def test_a_step_that_measured_nothing_has_losses_and_weights() -> None:
    step = describe_step(WORK, vector(1, 3), Measured(SIGNALS, None))
    assert (step.losses, step.weights) == ({"c": 0.5, "a": 1.5}, {"c": 1.0, "a": 3.0})
    assert (step.gradient_norms, step.curvature, step.skipped) == (None, None, False)


def test_norms_are_roots_and_a_square_below_zero_is_zero() -> None:
    step = describe_step(WORK, vector(1, 1), Measured(SIGNALS, vector(9, -1e-12)))
    assert step.gradient_norms == {"c": 3.0, "a": 0.0}


def test_the_curvature_is_the_squared_norm_of_the_combined_gradient() -> None:
    """‖1 g_c + 2 g_a‖² = 4 + 2 · 2 · 1 + 4 · 9 = 44."""
    assert describe_step(WORK, vector(1, 2), Measured(SIGNALS, None, gramians=GRAMIAN)).curvature == 44


def test_a_curvature_that_was_measured_is_taken() -> None:
    assert describe_step(WORK, vector(1, 2), Measured(SIGNALS, None, 7.0, GRAMIAN)).curvature == 7.0


def test_weights_by_group_are_averaged_and_their_curvatures_added() -> None:
    """With rows (1, 0) and (0, 2): 4 + 4 · 9 = 40."""
    weights = torch.stack([vector(1, 0), vector(0, 2)])
    step = describe_step(WORK, weights, Measured(SIGNALS, None, gramians=GRAMIAN.expand(2, 2, 2)))
    assert step.weights == {"c": 0.5, "a": 1.0}
    assert step.curvature == 40
