"""The state of the generators that dropout draws from, so that a second pass sees the first one's masks."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class RandomState:
    """PyTorch's generators of the CPU and of one GPU.

    Attributes:
        cpu: State of the CPU's generator.
        cuda: State of the GPU's, None without one.
        device: The GPU.
    """

    cpu: Tensor
    cuda: Tensor | None
    device: torch.device

    @classmethod
    def capture(cls, device: torch.device) -> "RandomState":
        """Return the present state; `device` is where the model is."""
        cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
        return cls(torch.get_rng_state(), cuda, device)

    def restore(self) -> None:
        """Go back to it."""
        torch.set_rng_state(self.cpu)
        if self.cuda is not None:
            torch.cuda.set_rng_state(self.cuda, self.device)
