"""The weights of TorchJD's scalarizers, and the losses that they are compared on."""

import torch

from catscale.balancing.checks import N, trajectory


def gradient_of(scalarizer: torch.nn.Module, losses: torch.Tensor) -> torch.Tensor:
    """∂/∂L_n, which is the weight of g_n."""
    leaf = losses.clone().requires_grad_()
    return torch.autograd.grad(scalarizer(leaf), leaf)[0]


def together(seed: int = 0) -> list[torch.Tensor]:
    """Losses of steps that hold all N tasks, in the order of their ids."""
    return [step.losses + 0.1 for step in trajectory(seed=seed, size=N)]
