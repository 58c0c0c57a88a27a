"""ASAM: a slow transcription, what it scales, and the rescaling of layers that it does not see."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from catscale.errors import DivergedError
from catscale.optimisation.asam import ASAM
from catscale.optimisation.moved import moved
from tests.optimisation.quadratic import Quadratic, Transcript


def asam(**settings: Any) -> ASAM:
    return ASAM(**{"from": 0.0, **settings})


def shifts(settings: ASAM, parameters: list[Parameter]) -> list[Tensor]:
    """Return e."""
    before = [parameter.detach().clone() for parameter in parameters]
    with moved(parameters, *settings.climb(parameters)):
        return [p.detach() - b for p, b in zip(parameters, before, strict=True)]


def test_matrices_are_scaled_and_vectors_are_not() -> None:
    """s g = (2.01 · 1, 3.01 · 2, 3): ρ s² g / ‖s g‖ by hand."""
    matrix, vector = Parameter(torch.tensor([[2.0, -3.0]]).double()), Parameter(torch.tensor([7.0]).double())
    matrix.grad, vector.grad = torch.tensor([[1.0, 2.0]]).double(), torch.tensor([3.0]).double()
    length = (2.01**2 + 6.02**2 + 9) ** 0.5
    found = shifts(asam(), [matrix, vector])
    assert found[0][0].tolist() == pytest.approx([0.5 * 2.01**2 / length, 0.5 * 3.01**2 * 2 / length])
    assert found[1].tolist() == pytest.approx([0.5 * 3 / length])


class Matrix(Quadratic):
    """The descent of ½ Σ h θ² over a matrix of one row, in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.named = {"theta": Parameter(torch.ones(1, 2, dtype=torch.float64))}

    def __call__(self) -> float:
        theta = self.named["theta"]
        loss = (theta * theta * torch.tensor([1.0, 9.0])).sum() / 2
        torch.autograd.backward(loss)
        return loss.item()


def test_the_step_is_adamw_s_on_the_gradient_there() -> None:
    """Twenty updates against a transcription in float64."""
    settings, descent, slow = asam(rho=0.3, eta=0.2, **Transcript.SETTINGS), Matrix(), Transcript()
    optimizer, h = settings.build(descent.named), torch.tensor([1.0, 9.0], dtype=torch.float64)
    for step in range(1, 21):
        settings.take(optimizer, descent, step)
        theta = slow.theta
        g, s = h * theta, [abs(theta[0].item()) + 0.2, abs(theta[1].item()) + 0.2]
        length = ((s[0] * g[0]) ** 2 + (s[1] * g[1]) ** 2) ** 0.5
        there = torch.stack([theta[i] + 0.3 * s[i] ** 2 * g[i] / length for i in range(2)])
        slow.move(h * there, step)
        torch.testing.assert_close(descent.named["theta"].detach()[0], slow.theta, rtol=1e-6, atol=1e-9)


def test_a_rescaling_that_leaves_the_function_as_it_is_is_not_seen() -> None:
    """A linear net of two layers, θ₁ → c θ₁ and θ₂ → θ₂ / c, with η = 0: the loss at θ + e is the same."""
    generator = torch.Generator().manual_seed(1)
    first, second, x = (torch.randn(3, 3, generator=generator, dtype=torch.float64) for _ in range(3))

    def loss_nearby(c: float) -> float:
        layers = [Parameter(first * c), Parameter(second / c)]

        def loss() -> Tensor:
            return (layers[1] @ layers[0] @ x).square().mean()

        for layer, gradient in zip(layers, torch.autograd.grad(loss(), layers), strict=True):
            layer.grad = gradient
        with moved(layers, *asam(eta=0.0).climb(layers)):
            return loss().item()

    assert loss_nearby(7.0) == pytest.approx(loss_nearby(1.0), rel=1e-10)


def test_a_gradient_that_is_not_finite_climbs_nowhere() -> None:
    parameter = Parameter(torch.ones(1, 2))
    parameter.grad = torch.tensor([[1.0, float("nan")]])
    with pytest.raises(DivergedError, match="the combined gradient has norm nan"):
        shifts(asam(), [parameter])
    assert parameter.tolist() == [[1, 1]]


def test_every_tensor_s_shift_follows_a_slow_transcription() -> None:
    """Number by number over a kernel of three axes, a vector, a scalar, and a matrix without a gradient."""
    generator = torch.Generator().manual_seed(4)
    shapes = [(2, 3, 2), (4,), (), (2, 2)]
    parameters = [Parameter(torch.randn(shape, generator=generator, dtype=torch.float64)) for shape in shapes]
    for parameter in parameters[:3]:
        parameter.grad = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    triples = []
    for parameter in parameters[:3]:
        assert parameter.grad is not None
        for value, slope in zip(parameter.flatten().tolist(), parameter.grad.flatten().tolist(), strict=True):
            triples.append((abs(value) + 0.05 if len(parameter.shape) > 1 else 1.0, slope))
    length = sum((scale * slope) ** 2 for scale, slope in triples) ** 0.5
    found = shifts(asam(rho=0.4, eta=0.05), parameters)
    flat = [value for shift in found[:3] for value in shift.flatten().tolist()]
    assert flat == pytest.approx([0.4 * scale**2 * slope / length for scale, slope in triples], rel=1e-9)
    assert not found[3].any()


def test_the_shift_has_the_radius_in_the_scaled_norm_whatever_the_gradient_s_length() -> None:
    """‖e / s‖ = ρ, for gradients a million times as long too."""
    for factor in (1e-3, 1.0, 1e6):
        matrix = Parameter(torch.tensor([[2.0, -0.5], [0.0, 4.0]]).double())
        matrix.grad = torch.tensor([[1.0, 2.0], [-3.0, 0.5]]).double() * factor
        (shift,) = shifts(asam(rho=0.7, eta=0.1), [matrix])
        assert (shift / (matrix.detach().abs() + 0.1)).norm().item() == pytest.approx(0.7)


def test_a_gradient_of_zero_and_a_weight_of_zero_without_eta_climb_nowhere() -> None:
    still = Parameter(torch.ones(2, 2).double())
    still.grad = torch.zeros(2, 2).double()
    assert not shifts(asam(), [still])[0].any()
    pruned = Parameter(torch.tensor([[0.0, 1.0]]).double())
    pruned.grad = torch.tensor([[5.0, 2.0]]).double()
    assert shifts(asam(eta=0.0), [pruned])[0].tolist() == [[0, pytest.approx(0.5)]]
