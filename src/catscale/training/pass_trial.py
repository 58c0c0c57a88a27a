"""A pass that is taken to see what it takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from catscale.data.batching import Batch
from catscale.model.autocast import compute_in
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import batch_losses
from catscale.model.mode import in_mode
from catscale.training.dropout_bits import draw_masks_from_bits

Clock = Callable[[], float]
ROUNDS = 5
"""Passes that are timed after a first one, which loads libraries and compiles."""


@dataclass(frozen=True)
class PassTrial:
    """A pass of a model, forward and backward, that moves nothing: to see whether it can be taken, and in what time.

    Attributes:
        model: On its device.
        batch: As the run's first ones.
        autocast: Type of mixed precision; None for the parameters' own.
        clock: Gives seconds.
    """

    model: TranslationModel
    batch: Batch
    autocast: torch.dtype | None = None
    clock: Clock = time.perf_counter

    def take(self) -> float:
        """Take a pass, wait for it, return its seconds; parameters, gradients and random numbers stay as they are."""
        started = self.clock()
        device = self.model.device
        parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        with (
            torch.random.fork_rng([device] if device.type == "cuda" else []),
            in_mode(self.model, True),
            draw_masks_from_bits(device),
        ):
            with compute_in(self.autocast, device):
                loss, _ = batch_losses(self.model, self.batch.to(device), 0.0)
            gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        found: list[Tensor] = [loss.detach(), *(gradient.sum() for gradient in gradients if gradient is not None)]
        torch.stack([value.float() for value in found]).tolist()
        return self.clock() - started

    def time(self) -> float:
        """Return the least seconds of a pass, after a first one, which may compile."""
        return min([self.take() for _ in range(ROUNDS + 1)][1:])
