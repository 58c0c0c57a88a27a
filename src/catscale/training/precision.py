"""The number format that a run computes in: the setting, or for "auto" the faster one here."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from catscale.data.batching import Batch
from catscale.model.autocast import has_bfloat16
from catscale.model.contract import TranslationModel
from catscale.training.config import TrainingConfig
from catscale.training.pass_trial import ROUNDS, Clock, PassTrial

Times = tuple[float, float]
"""Seconds of the same work in fp32 and in bf16."""
PRODUCTS = 4 * 10**9
"""Multiplications of a forward pass that is timed: about a tenth of a second of a core."""
LEAST_TOKENS = 64
"""Target positions of a pass that is timed, at least."""
SIDE = 4096
"""Rows and columns of the product that is timed on devices which would end a small one before they have begun it."""


@dataclass(frozen=True)
class Precision:
    """The format that matrix products are computed in, and why.

    Attributes:
        dtype: Type of mixed precision; None for float32 throughout.
        speed: Speed of bf16 over that of fp32, as measured when the run began; None where it was not.
        note: A line for the user, empty where there is nothing to say.
        is_tf32: Whether a GPU rounds the factors of products of float32 to 10 bits.
    """

    dtype: torch.dtype | None
    speed: float | None = None
    note: str = ""
    is_tf32: bool = False

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Precision":
        """Return what `to_json` described."""
        used = found.get("used")
        return cls(torch.bfloat16 if used == "bf16" else None, found.get("bf16_speed"), is_tf32=used == "tf32")

    def set_products(self) -> None:
        """Have this process's GPU compute products of float32 so: rounded or in full."""
        torch.backends.cuda.matmul.fp32_precision = "tf32" if self.is_tf32 else "ieee"

    def to_json(self) -> dict[str, Any]:
        """Return what `environment.json` records and a continued run follows."""
        plain = "tf32" if self.is_tf32 else "fp32"
        return {"used": plain if self.dtype is None else "bf16", "bf16_speed": self.speed}


def choose_precision(
    config: TrainingConfig,
    device: torch.device,
    measure: Callable[[], Times],
    recorded: Mapping[str, Any] | None = None,
) -> Precision:
    """Decide what a run computes in.

    Args:
        config: The settings with `precision`.
        device: The device that computes.
        measure: Times both, as `time_passes` and `time_products` do.
        recorded: The value of `to_json` when the run began, which "auto" keeps; None for a new run.
    """
    if config.precision == "fp32":
        return Precision(None)
    if config.precision == "tf32":
        if device.type == "cuda":
            return Precision(None, is_tf32=True)
        return Precision(None, note="warning: only NVIDIA's GPUs have TF32; training.precision tf32 is fp32")
    asked, known = config.precision == "bf16", dict(recorded or {})
    if not has_bfloat16(device):
        lost = asked or known.get("used") == "bf16"
        setting = "training.precision bf16" if asked else "the bf16 that the run began with"
        note = f"warning: this processor has no bfloat16 instructions; {setting} is computed in fp32" if lost else ""
        return Precision(None, known.get("bf16_speed"), note)
    if known and not asked:
        return Precision.from_json(known)
    full, half = measure()
    speed = round(full / half, 2)
    if asked:
        slow = f"warning: training.precision bf16 has {speed:g} times the speed of fp32 here; "
        return Precision(torch.bfloat16, speed, slow + "auto or fp32 would be faster" if speed < 1 else "")
    used = "bf16" if speed > 1 else "fp32"
    note = f"precision auto: {used}, since bf16 has {speed:g} times the speed of fp32 here"
    return Precision(torch.bfloat16 if speed > 1 else None, speed, note)


def pass_tokens(model: TranslationModel, tokens: int) -> int:
    """Return the target positions of a pass that is timed.

    Args:
        model: The model: with more parameters fewer positions will do.
        tokens: Target positions of a pass in training.
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return min(tokens, max(LEAST_TOKENS, PRODUCTS // parameters))


def time_passes(model: TranslationModel, batches: Sequence[Batch], clock: Clock = time.perf_counter) -> Times:
    """Time forward and backward passes in fp32 and in bf16 under autocast, by turns; the least a position of each.

    What counts is a training's own: a CPU gains in products of large matrices, and loses where small ones are cast to
    bf16 and back, and where batches differ in size, for oneDNN makes its code for bf16 anew for each size.

    Args:
        model: The model, whose state, gradients and random numbers stay as they are.
        batches: Two or more of different sizes; the first is not counted, since it loads libraries.
        clock: Gives seconds.
    """
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for batch in batches:
        rows, source, target = batch.shape
        for half in (False, True):
            spent = PassTrial(model, batch, torch.bfloat16 if half else None, clock).take()
            seconds[half].append(spent / (rows * (source + target)))
    return min(seconds[False][1:]), min(seconds[True][1:])


@torch.no_grad()
def time_products(device: torch.device, clock: Clock = time.perf_counter) -> Times:
    """Time a product of two matrices in fp32 and in bf16 under autocast, by turns; the least of several of each.

    Args:
        device: One that gains by any product that it does not end before it has begun.
        clock: Gives seconds.
    """
    generator = torch.Generator().manual_seed(1)  # the run's own random numbers stay where they are
    first, second = (torch.randn(SIDE, SIDE, generator=generator).to(device) for _ in range(2))
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(ROUNDS + 1):
        for half in (False, True):
            started = clock()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                float((first @ second)[0, 0])  # waits until it is done
            seconds[half].append(clock() - started)
    return min(seconds[False][1:]), min(seconds[True][1:])  # the first of each loads kernels
