"""Gradient Vaccine: pairs of gradients are turned until their cosine reaches a target that follows the training.

Source: Wang et al., "Gradient Vaccine: Investigating and Improving Multi-task Optimization in Massively Multilingual
Models", ICLR 2021, Algorithm 1.

Legend: K tasks in the step, g_n gradient of task n, g' a modified one, U the cosines of the K gradients, φ̂ (N, N)
targets, β their rate.

    for each i:  g' = g_i;  for each j ≠ i, in random order:
        φ = cos(g', g_j)
        if φ < φ̂_ij:  g' ← g' + ‖g'‖ (φ̂_ij √(1 − φ²) − φ √(1 − φ̂_ij²)) / (‖g_j‖ √(1 − φ̂_ij²)) · g_j
        φ̂_ij ← (1 − β) φ̂_ij + β φ
    Σ w_n g_n = Σ_i g'

All of it is done on unit gradients: with g' = d_i Σ_k c_k g_k / d_k, ‖g'‖ / d_i = √(cᵀUc) and ⟨g', g_j⟩ / (d_i d_j)
= (Uc)_j.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.contract import Request, Signals, State
from catscale.balancing.methods.gramian_method import GramianSettings, cosines, measured_gramians, weigh_present

STRIDE = 1_000_003
"""A prime between the seeds' streams: runs with neighbouring seeds do not repeat each other's draws soon."""
EPSILON = 1e-8
"""Least sine of a target's angle: a cosine of 1 is reached by no finite multiple of g_j."""


@dataclass(frozen=True)
class GradVacState(State):
    """The targets.

    Attributes:
        targets: (P, N, N) float64, φ̂ of each group of parameters; row i is the task whose gradient is turned.
        steps: Steps taken.
    """

    targets: Tensor
    steps: int = 0


class GradVac(GramianSettings):
    """Turns each task's gradient towards those with which it is usually better aligned.

    The weights are of the paper's sum: 1 each where no cosine is below its target, never less. φ̂ moves for pairs of
    present tasks only.

    Differences from the paper: none known in the update. The random order follows from `seed` and the number of the
    step, so that a resumed run repeats it. Cosines are those of the unit gradients, where TorchJD's
    `GradVacWeighting` adds 1e-8 to the products of norms; targets belong to tasks, where it resets them when the
    number of tasks in a step changes. The default β is ours: TorchJD has 0.5.

    Cost beyond `GramianSettings`: K² small products in Python, 2 ms at K = 16 on one core.

    Attributes:
        granularity: "all" for one Gram matrix over all shared parameters; "groups" for one, and its own weights, for
            each group of parameters; with a group a layer this is the paper's "all_layer".
        losses: The meaning of L_n, see `Method`.
        target_rate: β, the rate at which the targets follow the cosines.
        seed: The seed of the random order of the pairs.
    """

    method: Literal["gradvac"] = "gradvac"
    target_rate: float = Field(default=0.01, ge=0, le=1, allow_inf_nan=False)
    seed: int = Field(default=0, ge=0, lt=2**63)
    randomised: ClassVar[bool] = True

    def init(self, n_tasks: int) -> GradVacState:
        """Return the first state: targets of 0, which is PCGrad."""
        return GradVacState(torch.zeros(self.n_groups, n_tasks, n_tasks, dtype=torch.float64))

    def request(self, state: GradVacState) -> Request:
        """Request the Gram matrix, or one per group."""
        return self.gramian_request()

    def weights(self, state: GradVacState, task_ids: Tensor) -> None:
        """Return None: the weights are unknown before the step."""
        return None

    def step(self, state: GradVacState, signals: Signals) -> tuple[Tensor, GradVacState]:
        """Return (K,) weights, or (P, K) per group, and the state with φ̂ of the present pairs moved."""
        generator = torch.Generator().manual_seed(self.seed * STRIDE + state.steps)
        targets = state.targets.clone()
        found = []
        for gramian, table in zip(measured_gramians(signals), targets, strict=True):

            def vaccinate(part: Tensor, ids: Tensor, table: Tensor = table) -> Tensor:
                weights, moved = vaccinated_weights(part, table[ids][:, ids], self.target_rate, generator)
                table[ids[:, None], ids] = moved
                return weights

            found.append(weigh_present(gramian, signals.task_ids, vaccinate))
        weights = torch.stack(found)
        return (weights if self.granularity == "groups" else weights[0]), GradVacState(targets, state.steps + 1)

    def describe(self, state: GradVacState) -> dict[str, Any]:
        """Return the mean target over all pairs of different tasks."""
        pairs = ~torch.eye(state.targets.shape[-1], dtype=torch.bool)
        return {"mean_target_cosine": state.targets[:, pairs].mean().item() if pairs.any() else 0.0}


def vaccinated_weights(
    gramian: Tensor, targets: Tensor, rate: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Take one step of Algorithm 1.

    Args:
        gramian: (K, K) float64 with a positive diagonal.
        targets: (K, K) φ̂.
        rate: β.
        generator: Source of the order of the pairs.

    Returns:
        (K,) weights and the (K, K) targets after the step.
    """
    unit, norms = cosines(gramian)
    table, rows = targets.tolist(), unit.tolist()
    turned = []  # row i: c of task i
    # Plain numbers: K² small tensors would take ten times longer.
    for i, products in enumerate(unit.tolist()):
        part = [float(k == i) for k in range(len(rows))]
        for j in torch.randperm(len(rows), generator=generator).tolist():
            length = math.sqrt(max(0.0, sum(c * p for c, p in zip(part, products, strict=True))))
            if j == i or length == 0:
                continue  # of length 0: the projections have left nothing of g_i, and it has no angle
            cosine = min(1.0, max(-1.0, products[j] / length))
            if cosine < table[i][j]:
                more = length * tangent_difference(cosine, table[i][j])
                part[j] += more
                products = [p + more * u for p, u in zip(products, rows[j], strict=True)]
            table[i][j] = (1 - rate) * table[i][j] + rate * cosine
        turned.append(part)
    coefficients = torch.tensor(turned, dtype=torch.float64)
    return (coefficients * norms[:, None] / norms[None, :]).sum(0), torch.tensor(table, dtype=torch.float64)


def tangent_difference(cosine: float, target: float) -> float:
    """Return the multiple of the unit g_j that a unit g' needs for its cosine with g_j to rise to the target."""
    sine, target_sine = math.sqrt(1 - cosine**2), math.sqrt(max(0.0, 1 - target**2))
    return max(0.0, (target * sine - cosine * target_sine) / (target_sine + EPSILON))
