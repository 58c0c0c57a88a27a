"""The report of a step: names, norms and curvature from what was measured."""

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.engine.balanced_step import (
    BalancedStep,
    GradientMeasurement,
    describe_step,
    mean_cosine,
    table_of,
)
from catscale.balancing.engine.held_gradients import Measured

IDS = torch.tensor([2, 0])
SIGNALS = Signals(IDS, torch.tensor([0.5, 1.5], dtype=torch.float64))
GRAMIAN = torch.tensor([[[4.0, 1.0], [1.0, 9.0]]], dtype=torch.float64)


def vector(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def describe(weights: torch.Tensor, measured: Measured) -> BalancedStep:
    return describe_step(["c", "a"], SIGNALS.losses, weights, GradientMeasurement(["c", "a"], measured))


def test_values_are_told_by_the_names_in_their_order() -> None:
    assert table_of(["c", "a"], vector(1, 2)) == {"c": 1.0, "a": 2.0}
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        table_of(["c", "a"], vector(1))


def test_a_step_that_measured_nothing_has_losses_and_weights() -> None:
    step = describe_step(["c", "a"], SIGNALS.losses, vector(1, 3), None)
    assert (step.losses, step.weights) == ({"c": 0.5, "a": 1.5}, {"c": 1.0, "a": 3.0})
    assert (step.gradient_norms, step.curvature, step.skipped) == (None, None, False)


def test_norms_are_roots_and_a_square_below_zero_is_zero() -> None:
    step = describe(vector(1, 1), Measured(SIGNALS, vector(9, -1e-12)))
    assert step.gradient_norms == {"c": 3.0, "a": 0.0}


def test_the_curvature_is_the_squared_norm_of_the_combined_gradient() -> None:
    """‖1 g_c + 2 g_a‖² = 4 + 2 · 2 · 1 + 4 · 9 = 44."""
    assert describe(vector(1, 2), Measured(SIGNALS, None, gramians=GRAMIAN)).curvature == 44


def test_a_curvature_that_was_measured_is_taken() -> None:
    assert describe(vector(1, 2), Measured(SIGNALS, None, 7.0, GRAMIAN)).curvature == 7.0


def test_weights_by_group_are_averaged_and_their_curvatures_added() -> None:
    """With rows (1, 0) and (0, 2): 4 + 4 · 9 = 40."""
    weights = torch.stack([vector(1, 0), vector(0, 2)])
    step = describe(weights, Measured(SIGNALS, None, gramians=GRAMIAN.expand(2, 2, 2)))
    assert step.weights == {"c": 0.5, "a": 1.0}
    assert step.curvature == 40


def test_the_ratio_of_signal_to_noise_of_tasks_of_two_halves() -> None:
    """5 = 4 of signal and 1 of noise; of a task of one part nothing is known."""
    step = describe(vector(1, 1), Measured(SIGNALS, vector(5, 3), expected=vector(4, 3)))
    assert step.signal_to_noise == {"c": 4.0}
    assert describe(vector(1, 1), Measured(SIGNALS, vector(5, 3))).signal_to_noise is None
    opposed = describe(vector(1, 1), Measured(SIGNALS, vector(1, 3), expected=vector(-1, 1)))
    assert opposed.signal_to_noise == {"c": -0.5, "a": 0.5}


def test_the_cosine_is_the_mean_over_pairs() -> None:
    """Three gradients by hand: cosines 1 / 6, −1 and 0; one of length zero has no angle."""
    three = torch.tensor([[4.0, 1.0, -2.0], [1.0, 9.0, 0.0], [-2.0, 0.0, 1.0]], dtype=torch.float64)
    assert mean_cosine(three) == pytest.approx((1 / 6 - 1 + 0) / 3)
    vanished = torch.tensor([[4.0, 0.0, 2.0], [0.0, 0.0, 0.0], [2.0, 0.0, 4.0]], dtype=torch.float64)
    assert mean_cosine(vanished) == pytest.approx(0.5)
    assert mean_cosine(three[:1, :1]) is None


def test_the_cosine_of_gradients_that_are_there() -> None:
    gradients = torch.tensor([[1.0, 2.0, -0.5], [0.5, -1.0, 3.0], [2.0, 1.0, 1.0]], dtype=torch.float64)
    pairs = [torch.cosine_similarity(gradients[i], gradients[j], dim=0).item() for i, j in ((0, 1), (0, 2), (1, 2))]
    assert mean_cosine(gradients @ gradients.T) == pytest.approx(sum(pairs) / 3, rel=1e-12)


def test_the_cosine_of_a_step_is_of_the_sum_over_groups() -> None:
    """Groups (4, 1; 1, 9) and (1, 3; 3, 1): 4 / √(5 · 10)."""
    second = torch.tensor([[1.0, 3.0], [3.0, 1.0]], dtype=torch.float64)
    both = Measured(SIGNALS, None, gramians=torch.stack([GRAMIAN[0], second]))
    assert describe(vector(1, 2), both).cosine == pytest.approx(4 / 50**0.5)
    assert describe(vector(1, 2), Measured(SIGNALS, vector(9, 4))).cosine is None


def test_a_measurement_of_other_tasks_tells_of_these() -> None:
    seen = GradientMeasurement(["c", "a"], Measured(SIGNALS, vector(9, 16), gramians=GRAMIAN))
    step = describe_step(["a"], vector(2), vector(1), seen)
    assert (step.losses, step.weights) == ({"a": 2.0}, {"a": 1.0})
    assert step.gradient_norms == {"c": 3.0, "a": 4.0}
    assert step.curvature is None
