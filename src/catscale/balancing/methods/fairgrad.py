"""FairGrad: the step whose gains are α-fair among the tasks.

Source: Ban and Ji, "Fair Resource Allocation in Multi-Task Learning", ICML 2024 (arXiv 2402.15638), Eq. 4.

Legend: K tasks in the step, g_n gradient of task n, d_n = ‖g_n‖, G = diag(d) U diag(d), Δ = Σ w_n g_n.

    max Σ ⟨g_n, Δ⟩^(1−α) / (1 − α)  over a ball of Δ:   (G w)_n = w_n^(−1/α)

α = 1 is Nash-MTL, large α the max-min fairness of MGDA. With w = β / d this reads U β = c β^(−1/α), c = d^(1/α − 1),
the minimum of the strictly convex  ½ βᵀUβ − Σ c_n φ(β_n),  φ' = β^(−1/α).
"""

import math
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.methods.gramian_method import GramianMethod, cosines

NEAR = 0.1
"""Relative change, times 1 + 1/α, below which the objective is all but quadratic: a Newton step is taken whole."""
CLOSE = 1e-8
"""Relative change that ends the search: the error after it is of the order of its square."""


class FairGrad(GramianMethod):
    """Weights by which the tasks' gains are α-fair: the larger α, the more the least gain counts.

    The weights are positive. Their scale is that of gradients the longest of which has length 1: the length of a step
    does not shrink as gradients grow, as it would in the paper, by s^(−2α/(1+α)) for gradients s times as long.

    Differences from the paper: that scale; and the system is solved by damped Newton steps on the convex objective, to
    rounding, for U + `ridge` · I, where the authors' code (and TorchJD's `FairGradWeighting`) minimises the squares of
    the residuals with SciPy.

    Attributes:
        fairness: α; the default is ours.
        ridge: Keeps the weights of opposed gradients, which have no solution, finite.
    """

    method: Literal["fairgrad"] = "fairgrad"
    fairness: float = Field(default=2.0, ge=0.25, le=4, allow_inf_nan=False)
    ridge: float = Field(default=1e-6, gt=0, le=1e6, allow_inf_nan=False)

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """Return (K,) weights > 0."""
        return fair_weights(gramian, self.fairness, self.ridge)


def fair_weights(gramian: Tensor, fairness: float, ridge: float) -> Tensor:
    """Solve (G w)_n = w_n^(−1/α), G with `ridge` · diag(G) added to it.

    In units of the solution for orthogonal gradients, β = b x with b = d^((1−α)/(1+α)), the objective reads
    ½ xᵀ M x − Σ b_n² φ(x_n), M = diag(b) (U + ridge) diag(b): c b^(1 − 1/α) = b².

    Args:
        gramian: (K, K) float64 with a positive diagonal.
        fairness: α.
        ridge: Relative to each ‖g_n‖².

    Returns:
        (K,) weights > 0.
    """
    unit, norms = cosines(gramian)
    power = 1 / fairness
    orthogonal = norms ** ((1 - fairness) / (1 + fairness))
    matrix = (unit + ridge * torch.eye(len(unit), dtype=unit.dtype)) * torch.outer(orthogonal, orthogonal)
    shares = orthogonal.square()
    x = torch.full_like(norms, float(shares.sum() / matrix.sum()) ** (1 / (1 + power)))
    for _ in range(200):
        slope = matrix @ x - shares * x**-power
        curvature = matrix + torch.diag(power * shares * x ** (-power - 1))
        widths = curvature.diagonal().sqrt()  # of order 1 before it is solved, whatever the range of x
        direction = torch.linalg.solve(curvature / torch.outer(widths, widths), -slope / widths) / widths
        change = (direction / x).abs().max().item()
        if change < NEAR / (1 + power):
            x = x + direction
        else:
            x = x + _step_length(matrix, shares, power, x, direction, float(-slope @ direction)) * direction
        if change < CLOSE:
            break
    return x * orthogonal / norms


def _step_length(matrix: Tensor, shares: Tensor, power: float, x: Tensor, direction: Tensor, decrease: float) -> float:
    """Return the longest of 1, ½, ¼, … times the way to the border that keeps x > 0 and a tenth of the decrease."""
    inwards = (direction / x).min().item()
    length = 1.0 if inwards > -0.99 else -0.99 / inwards
    start = _objective(matrix, shares, power, x)
    for _ in range(40):
        if _objective(matrix, shares, power, x + length * direction) <= start - 0.1 * length * decrease:
            break
        length /= 2
    return length


def _objective(matrix: Tensor, shares: Tensor, power: float, x: Tensor) -> float:
    """Return ½ xᵀMx − Σ b_n² φ(x_n)."""
    primitive = x.log() if math.isclose(power, 1.0) else x ** (1 - power) / (1 - power)
    return float(x @ matrix @ x) / 2 - float(shares @ primitive)
