"""The two-task toy of CAGrad, Nash-MTL and FAMO, its starts and their settings.

Source: Liu et al., "Conflict-Averse Gradient Descent for Multi-task Learning", NeurIPS 2021, its toy optimisation
problem, and its form in the repositories AvivNavon/nash-mtl and Cranial-XIX/FAMO, whose first loss has a factor of 0.1.

For x_2 > 0 both losses are narrow logarithmic valleys that conflict, for x_2 < 0 parabolas of x_1 around ±7. With
s = 1 for the first loss and −1 for the second:

    a = −½ x_1 − s (7/2 − tanh x_2),   v = log max(|a|, 5e-6) + 6,   q = ((x_1 − 7 s)² + 0.1 (x_2 + 8)²) / 10 − 20
    L = max(tanh ½ x_2, 0) v + max(−tanh ½ x_2, 0) q,   L_1 times `scale`
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

LEAST = 5e-6
SHIFT = 21.0
"""Added to both losses, times their scale, for methods that divide by losses: FAMO's bound of them is −21."""
SIDES = np.array([1.0, -1.0])


@dataclass(frozen=True)
class Toy:
    """A setting of the toy.

    Attributes:
        scale: Factor of the first loss.
        starts: Points that descents begin at.
        steps: Steps of each with Adam.
    """

    scale: float
    starts: tuple[tuple[float, float], ...]
    steps: int


TOYS = {
    "unequal": Toy(0.1, ((-8.5, 7.5), (0.0, 0.0), (9.0, 9.0), (-7.5, -0.5), (9.0, -1.0)), 50_000),
    "equal": Toy(1.0, ((-8.5, 7.5), (-8.5, -5.0), (9.0, 9.0)), 100_000),
}
"""`unequal` is FAMO's, and with 35,000 steps Nash-MTL's; `equal` is CAGrad's."""


def toy_losses(points: Points, scale: float = 0.1, shift: float = 0.0) -> Points:
    """Return both losses, (S, 2), at S points.

    Args:
        points: (S, 2) x.
        scale: Factor of the first loss.
        shift: Added to both before the factor; it changes no gradient.
    """
    inside, bowls = _parts(points)
    valleys, half = np.log(np.maximum(abs(inside), LEAST)) + 6, np.tanh(0.5 * points[:, 1:])
    losses: Points = _factors(scale) * (np.maximum(half, 0) * valleys + np.maximum(-half, 0) * bowls + shift)
    return losses


def toy_gradients(points: Points, scale: float) -> Points:
    """Return (S, 2, 2): at each of S points, the gradient of each loss.

    Where x_2 is 0, both halves count with the slope of their side, as automatic differentiation has it.
    """
    inside, bowls = _parts(points)
    one, two = points[:, :1], points[:, 1:]
    half, bend = np.tanh(0.5 * two), 1 - np.tanh(two) ** 2
    lower, slope, is_cut = np.maximum(-half, 0), 0.5 * (1 - half * half), abs(inside) < LEAST
    pull = np.maximum(half, 0) * ~is_cut / np.where(is_cut, 1.0, inside)
    valleys = np.log(np.maximum(abs(inside), LEAST)) + 6
    found = np.empty((len(points), 2, 2))
    found[:, :, 0] = -0.5 * pull + lower * (one - 7 * SIDES) / 5
    found[:, :, 1] = pull * SIDES * bend + lower * (two + 8) / 50 + slope * ((two >= 0) * valleys - (two <= 0) * bowls)
    gradients: Points = found * _factors(scale)[:, None]
    return gradients


def _parts(points: Points) -> tuple[Points, Points]:
    """Return a and q, (S, 2) each."""
    one, two = points[:, :1], points[:, 1:]
    return -0.5 * one - SIDES * (3.5 - np.tanh(two)), ((one - 7 * SIDES) ** 2 + 0.1 * (two + 8) ** 2) / 10 - 20


def _factors(scale: float) -> Points:
    return np.array([scale, 1.0])
