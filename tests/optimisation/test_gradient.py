"""The norm over all parameters, and its bound."""

import pytest
import torch
from torch.nn import Parameter

from catscale.errors import DivergedError
from catscale.optimisation.gradient import clip_gradient, gradients_of, inner_product, norm_of


def parameters(*gradients: list[float] | None) -> list[Parameter]:
    found = []
    for gradient in gradients:
        found.append(Parameter(torch.zeros(2)))
        found[-1].grad = None if gradient is None else torch.tensor(gradient)
    return found


def list_gradients(found: list[Parameter]) -> list[torch.Tensor]:
    return [parameter.grad for parameter in found if parameter.grad is not None]


def gradient_norm(found: list[Parameter]) -> float:
    return norm_of(gradients_of(found))


def test_the_norm_is_over_all_parameters_that_have_a_gradient() -> None:
    assert gradient_norm(parameters([3.0, 0.0], None, [0.0, 4.0])) == 5
    assert gradient_norm(parameters(None)) == 0


@pytest.mark.parametrize(("bound", "length"), [(None, 5.0), (7.0, 5.0), (1.0, 1.0), (0.05, 0.05)])
def test_a_gradient_beyond_the_bound_is_shortened_to_it(bound: float | None, length: float) -> None:
    found, known = parameters([3.0, 0.0], [0.0, 4.0]), parameters([3.0, 0.0], [0.0, 4.0])
    clip_gradient(found, bound)
    assert gradient_norm(found) == pytest.approx(length, rel=1e-5)
    clip_gradient(known, bound, torch.tensor(5.0))
    assert all(torch.equal(one, two) for one, two in zip(*map(list_gradients, (found, known)), strict=True))


def test_a_norm_that_is_known_is_taken_at_its_word() -> None:
    found = parameters([3.0, 4.0])
    clip_gradient(found, 1.0, torch.tensor(50.0))
    assert gradient_norm(found) == pytest.approx(0.1)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_norm_that_is_not_finite_is_refused(bad: float) -> None:
    for measure in (gradient_norm, lambda found: clip_gradient(found, None)):
        with pytest.raises(DivergedError, match=rf"gradient has norm {bad}; lower optimizer\.learning_rate"):
            measure(parameters([1.0, bad]))


def test_a_product_is_over_all_parameters_that_both_have() -> None:
    one, two = parameters([1.0, 2.0], [5.0, 1.0], None), parameters([3.0, -1.0], None, [2.0, 2.0])
    assert inner_product(gradients_of(one), gradients_of(two)) == 1
    assert inner_product(gradients_of(one), gradients_of(one)) == 31
    assert inner_product([None], [None]) == 0
    with pytest.raises(DivergedError, match="gradient has norm inf"):
        inner_product([torch.tensor([float("inf")])], [torch.ones(1)])
