"""The number format that a run computes in: the setting, or for "auto" the faster one here."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from catscale.model.autocast import has_bfloat16
from catscale.training.config import TrainingConfig

Times = tuple[float, float]
"""Seconds of the same product in fp32 and in bf16."""
ROUNDS = 5
SIDES = {"cpu": 384}
"""Rows and columns of the products that are timed: a few milliseconds each."""
OTHER_SIDE = 4096
"""The least size for devices that would finish a small product before they have started it."""


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
    recorded: Mapping[str, Any] | None = None,
    measure: "Callable[[torch.device], Times] | None" = None,
) -> Precision:
    """Decide what a run computes in.

    Args:
        config: The settings with `precision`.
        device: The device that computes.
        recorded: The value of `to_json` when the run began, which "auto" keeps; None for a new run.
        measure: Times the products; None for `time_products`.
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
    full, half = (measure or time_products)(device)
    speed = round(full / half, 2)
    if asked:
        slow = f"warning: training.precision bf16 computes matrix products at {speed:g} times the speed of fp32 here; "
        return Precision(torch.bfloat16, speed, slow + "auto or fp32 would be faster" if speed < 1 else "")
    used = "bf16" if speed > 1 else "fp32"
    note = f"precision auto: {used}, since matrix products in bf16 have {speed:g} times the speed of fp32 here"
    return Precision(torch.bfloat16 if speed > 1 else None, speed, note)


@torch.no_grad()
def time_products(device: torch.device, clock: Callable[[], float] = time.perf_counter) -> Times:
    """Time a product of two matrices in fp32 and in bf16 under autocast, by turns; the least of several of each.

    Args:
        device: The device.
        clock: Gives seconds.
    """
    side = SIDES.get(device.type, OTHER_SIDE)
    generator = torch.Generator().manual_seed(1)  # the run's own random numbers stay where they are
    first, second = (torch.randn(side, side, generator=generator).to(device) for _ in range(2))
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for number in range(ROUNDS + 1):
        for half in (False, True):
            started = clock()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                float((first @ second)[0, 0])  # waits until it is done
            if number:  # the first of each loads kernels
                seconds[half].append(clock() - started)
    return min(seconds[False]), min(seconds[True])
