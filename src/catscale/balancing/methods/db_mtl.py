"""DB-MTL: the gradients of the losses' logarithms, all made as long as the longest.

Source: Lin et al., "Dual-Balancing for Multi-Task Learning", 2023, as LibMTL's `DB_MTL` has it.

Legend: K tasks in the step, L_n losses, g_n gradient of task n, d_n = ‖g_n‖; ∇ log L_n = g_n / L_n.

    w_n = max_k (d_k / L_k) / d_n
"""

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from catscale.balancing.contract import MethodSettings, Request, Signals
from catscale.balancing.methods.gramian_method import GramianState
from catscale.balancing.methods.loss_method import finite_losses
from catscale.balancing.methods.norm_method import finite_norms


class DBMTL(MethodSettings):
    """Weights by which every task moves the parameters equally far: the weighted gradients have one length.

    The weights are > 0; that length is the greatest of the gradients of the logarithms.

    Differences from the paper: a running mean of each task's gradient (N·D numbers of state) is in the place of the
    gradient there, with a factor β that LibMTL divides by a power of the step; here β = 0, for a method is shown no
    gradients that it could keep. A task without gradient has weight 0.

    Cost: K gradients held and K norms, every step.

    Attributes:
        losses: The meaning of L_n, see `Method`; the weights are the same in both, but for their common factor.
    """

    method: Literal["db_mtl"] = "db_mtl"
    scale_of_weights: ClassVar[str] = "free"
    losses: Literal["tasks", "tokens"] = "tasks"

    def init(self, n_tasks: int) -> GramianState:
        """Return the first state: no steps."""
        return GramianState()

    def request(self, state: GramianState) -> Request:
        """Request the norms over all shared parameters."""
        return Request("norms")

    def weights(self, state: GramianState, task_ids: Tensor) -> None:
        """Return None: the weights are unknown before the step."""
        return None

    def step(self, state: GramianState, signals: Signals) -> tuple[Tensor, GramianState]:
        """Return (K,) weights and the next state.

        Raises:
            DivergedError: If a loss or a norm is not finite.
        """
        losses, norms = finite_losses(signals), finite_norms(signals)
        following = GramianState(state.steps + 1)
        if not norms.any():
            return torch.full_like(norms, 1 / len(norms)), following
        longest = (norms / losses).max()
        return torch.where(norms > 0, longest / norms, 0.0), following

    def describe(self, state: GramianState) -> dict[str, Any]:
        """Return nothing beyond the weights."""
        return {}
