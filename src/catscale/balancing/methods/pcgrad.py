"""PCGrad: each gradient loses its parts against the others.

Source: Yu et al., "Gradient Surgery for Multi-Task Learning", NeurIPS 2020, Algorithm 1.

Legend: K tasks in the step, g_n gradient of task n, G_ij = ⟨g_i, g_j⟩, c (K,) coefficients of a modified gradient.

    for each i:  c = e_i;  for each j ≠ i, in random order:  if (Gc)_j < 0:  c_j ← c_j − (Gc)_j / G_jj
    w = Σ_i c
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.balancing.methods.gramian_method import GramianMethod, GramianState
from catscale.balancing.methods.torchjd_weighting import torchjd_weighting

STRIDE = 1_000_003
"""A prime between the seeds' streams: runs with neighbouring seeds do not repeat each other's draws soon."""


class PCGrad(GramianMethod):
    """Projects each task's gradient onto the normal plane of every gradient that it conflicts with.

    The weights are of the paper's sum: 1 each where nothing conflicts, never less than 1.

    Differences from the paper: none known in the update, which is TorchJD's `PCGradWeighting`. The random order
    follows from `seed` and the number of the step, so that a resumed run repeats it, and torch's own generators
    (dropout) are left alone.

    Attributes:
        seed: The seed of the random order of the projections.
    """

    method: Literal["pcgrad"] = "pcgrad"
    seed: int = Field(default=0, ge=0, lt=2**63)
    randomised: ClassVar[bool] = True

    def init(self, n_tasks: int) -> GramianState:
        """Return the first state: no steps.

        Raises:
            ConfigError: If TorchJD is not installed.
        """
        torchjd_weighting("PCGradWeighting")
        return GramianState()

    def weigh(self, gramian: Tensor, draw: int) -> Tensor:
        """Return (K,) weights ≥ 1."""
        # TorchJD draws from the global CPU generator. `torch.manual_seed` would also seed those of GPUs.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed * STRIDE + draw)
            return torchjd_weighting("PCGradWeighting")(gramian)
