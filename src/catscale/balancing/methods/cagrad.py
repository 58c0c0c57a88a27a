"""CAGrad: the worst task improves as much as it can, near the mean gradient.

Source: Liu et al., "Conflict-Averse Gradient Descent for Multi-task Learning", NeurIPS 2021, Algorithm 1.

Legend: K tasks in the step, g_n gradient of task n, g_0 their mean, g_w = Σ w_n g_n for w on the simplex, ρ = c ‖g_0‖.

    max_d min_n ⟨g_n, d⟩   subject to  ‖d − g_0‖ ≤ ρ

    d = g_0 + g_w / τ,   w = argmin over the simplex of  ⟨g_w, g_0⟩ + ρ ‖g_w‖,   ‖g_w‖ = τ ρ

For a given τ, w is the min-norm point of the vectors g_n + τ g_0, as ‖Σ w_n (g_n + τ g_0)‖² = ‖g_w + τ g_0‖²; and
‖g_w‖ / τ, the way from g_0 to d, never rises with τ: one number is to be found. Where 0 is among the g_w, no d makes
every ⟨g_n, d⟩ positive. The best value is then 0 if some d of the ball harms no task, and of these the one nearest
to g_0, its projection on the dual cone, is taken.
"""

import math
from typing import Literal

import torch
from pydantic import Field
from scipy.optimize import brentq
from torch import Tensor

from catscale.balancing.methods.gramian_method import GramianMethod
from catscale.balancing.methods.mgda import min_norm_weights
from catscale.balancing.methods.nonnegative import project_on_dual_cone

OPPOSED = 1e-4
"""‖g_w‖, relative to the root of Σ w_n² ‖g_n‖², below which it is 0: products of float32 gradients tell no more."""
RIDGE = 1e-10
"""The tolerance of UPGrad."""


class CAGrad(GramianMethod):
    """Moves the mean gradient, within a ball, to where the worst task gains most.

    The weights are those of d: 1/K + w_n / τ; their scale is that of the mean gradient.

    Differences from the paper: where the maximum is 0, the formula of the paper divides 0 by 0, and any d of the ball
    that harms no task is a solution; here it is the nearest to g_0. Differences from the authors' code: it adds 1e-8
    to the norms, so that short gradients do not move the mean; it solves for w by SLSQP (TorchJD by CLARABEL), here
    by active sets and a root, to about 1e-9; and it multiplies d by K / (1 + c²), which is a constant.

    Attributes:
        radius: c, in [0, 1); 0 is the mean gradient, towards 1 the worst task alone counts.
    """

    method: Literal["cagrad"] = "cagrad"
    radius: float = Field(default=0.5, ge=0, lt=1, allow_inf_nan=False)

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """Return (K,) weights ≥ 1/K."""
        return cagrad_weights(gramian, self.radius)


def cagrad_weights(gramian: Tensor, radius: float) -> Tensor:
    """Return the weights of d.

    Args:
        gramian: (K, K) float64, positive semi-definite, with a positive diagonal.
        radius: c.

    Returns:
        (K,) weights ≥ 1/K.
    """
    equal = torch.full_like(gramian[0], 1 / len(gramian))
    reach = radius * float((equal @ gramian @ equal).clamp(min=0).sqrt())
    longest = float(gramian.diagonal().max().sqrt())
    if reach <= 1e-12 * longest:  # no ball, or no mean
        return equal
    nearest = min_norm_weights(gramian)
    most = math.log(longest / reach) + 1e-6
    least = math.log(max(_norm(gramian, nearest), 1e-300) / reach) - 1e-6
    if _is_opposed(gramian, nearest):
        move = project_on_dual_cone(gramian, equal[None], RIDGE)[0] - equal
        length = _norm(gramian, move)
        if length <= reach:
            return equal + move
        tries = (most - number * math.log(10) for number in range(1, 40))
        least = next((tried for tried in tries if _excess(gramian, reach, tried) > 0), -math.inf)
        if least == -math.inf:  # too near to the border of the ball to tell
            return equal + move * (reach / length)
    tau = math.exp(brentq(lambda log_tau: _excess(gramian, reach, log_tau), least, most, xtol=1e-11))
    return equal + _shifted_min_norm(gramian, tau) / tau


def _excess(gramian: Tensor, reach: float, log_tau: float) -> float:
    """Return the logarithm of ‖g_w‖ / (τ ρ), which never rises with τ."""
    norm = _norm(gramian, _shifted_min_norm(gramian, math.exp(log_tau)))
    return math.log(max(norm, 1e-300) / reach) - log_tau


def _shifted_min_norm(gramian: Tensor, tau: float) -> Tensor:
    """Return the (K,) min-norm weights of the vectors g_n + τ g_0."""
    along = tau * gramian.mean(1)
    shifted = gramian + along + along[:, None] + tau * along.mean()
    squares = shifted.diagonal()
    if (squares <= 1e-15 * gramian.diagonal()).any():  # one of them is 0 itself
        return torch.nn.functional.one_hot((squares / gramian.diagonal()).argmin(), len(gramian)).to(gramian.dtype)
    return min_norm_weights(shifted)


def _norm(gramian: Tensor, coefficients: Tensor) -> float:
    """Return ‖Σ c_n g_n‖."""
    return float((coefficients @ gramian @ coefficients).clamp(min=0).sqrt())


def _is_opposed(gramian: Tensor, weights: Tensor) -> bool:
    """Return whether the gradients cancel at these weights."""
    return _norm(gramian, weights) <= OPPOSED * float((weights.square() @ gramian.diagonal()).sqrt())
