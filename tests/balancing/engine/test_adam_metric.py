"""The metric of an optimiser's second moments, against AdamW's own numbers."""

import pytest
import torch

from catscale.balancing.engine.adam_metric import DAMPING, make_scales
from catscale.optimisation.adamw import AdamW


def make_optimizer(values: list[torch.Tensor]):
    named = {f"p{i}": torch.nn.Parameter(value) for i, value in enumerate(values)}
    return list(named.values()), AdamW(weight_decay=0).build(named)


def take(parameters, optimizer, gradients) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    optimizer.step()


def test_it_is_one_before_there_are_moments() -> None:
    parameters, optimizer = make_optimizer([torch.ones(2), torch.ones(3)])
    assert make_scales(optimizer, parameters) == make_scales(None, parameters) == []


def test_scales_follow_the_formula_over_many_updates() -> None:
    """v by its own recursion in float64, corrected for its start at 0."""
    parameters, optimizer = make_optimizer([torch.ones(3), torch.ones(2, 2)])
    torch.manual_seed(0)
    seconds = [torch.zeros(3, dtype=torch.float64), torch.zeros(2, 2, dtype=torch.float64)]
    for _ in range(7):
        gradients = [torch.randn(3), torch.randn(2, 2) * 10]
        take(parameters, optimizer, gradients)
        seconds = [0.98 * v + 0.02 * g.double() ** 2 for v, g in zip(seconds, gradients, strict=True)]
    corrected = [v / (1 - 0.98**7) for v in seconds]
    mean = (corrected[0].sum() + corrected[1].sum()) / 7
    for found, v in zip(make_scales(optimizer, parameters), corrected, strict=True):
        assert found.double() == pytest.approx(1 / (v + DAMPING**2 * mean).sqrt().sqrt(), rel=1e-5)


def test_one_update_of_adam_is_along_the_scaled_gradient() -> None:
    """At the first update v̂ = g²: P⁻¹ g is the sign of g, but for the damping."""
    gradient = torch.tensor([4.0, -0.5, 2.0])
    parameters, optimizer = make_optimizer([torch.zeros(3)])
    take(parameters, optimizer, [gradient])
    (scale,) = make_scales(optimizer, parameters)
    assert (scale.square() * gradient).tolist() == pytest.approx([1, -1, 1], rel=1e-2)


def test_a_parameter_that_hardly_moved_does_not_rule() -> None:
    gradient = torch.tensor([1.0, 0.0])
    parameters, optimizer = make_optimizer([torch.zeros(2)])
    take(parameters, optimizer, [gradient])
    (scale,) = make_scales(optimizer, parameters)
    moved, unmoved = scale.square().tolist()
    assert moved == pytest.approx(1, rel=1e-3)
    assert unmoved == pytest.approx(1 / (DAMPING * 0.5**0.5), rel=1e-3)  # the mean of v̂ is ½


def test_gradients_of_nothing_stay_finite() -> None:
    parameters, optimizer = make_optimizer([torch.zeros(2)])
    take(parameters, optimizer, [torch.zeros(2)])
    (scale,) = make_scales(optimizer, parameters)
    assert scale.isfinite().all()
    assert (scale.square() * torch.zeros(2)).tolist() == [0, 0]


def test_an_optimiser_of_another_kind_has_no_metric() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    parameter.grad = torch.ones(2)
    optimizer.step()
    assert make_scales(optimizer, [parameter]) == []


def test_a_parameter_without_moments_has_the_mean_of_the_others() -> None:
    parameters, optimizer = make_optimizer([torch.zeros(2), torch.zeros(3)])
    parameters[0].grad = torch.tensor([1.0, 3.0])
    optimizer.step()
    known, unknown = make_scales(optimizer, parameters)
    assert known.pow(-4).tolist() == pytest.approx([1, 9], rel=1e-3)
    assert unknown.pow(-4).tolist() == pytest.approx([5 * (1 + DAMPING**2)] * 3, rel=1e-5)


def test_some_of_the_parameters_have_their_own_moments() -> None:
    parameters, optimizer = make_optimizer([torch.zeros(2), torch.zeros(1)])
    take(parameters, optimizer, [torch.tensor([1.0, 2.0]), torch.tensor([100.0])])
    (part,) = make_scales(optimizer, parameters[:1])
    assert part.pow(-4).tolist() == pytest.approx([1, 4], rel=1e-3)  # the other one is not in the mean
