"""The number format that a run computes in: the setting, or for "auto" the faster one here."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from catscale.model.autocast import has_bfloat16
from catscale.training.config import TrainingConfig

Times = tuple[float, float]
"""Seconds of the same products in fp32 and in bf16."""
ROUNDS = 5
PRODUCTS = 10**9
"""Multiplications of a round: a tenth of a second of a core. Of a model with more, fewer tokens are timed."""
MEASURED_TOKENS = 32
"""The fewest tokens that are timed."""
OTHER_SIDE = 4096
"""Rows and columns of the one product that is timed on other devices, which end a small one before they begin it."""


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
        measure: Times the products, as `time_products` does.
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
        slow = f"warning: training.precision bf16 computes matrix products at {speed:g} times the speed of fp32 here; "
        return Precision(torch.bfloat16, speed, slow + "auto or fp32 would be faster" if speed < 1 else "")
    used = "bf16" if speed > 1 else "fp32"
    note = f"precision auto: {used}, since matrix products in bf16 have {speed:g} times the speed of fp32 here"
    return Precision(torch.bfloat16 if speed > 1 else None, speed, note)


@torch.no_grad()
def time_products(
    matrices: Iterable[Tensor], tokens: int, device: torch.device, clock: Callable[[], float] = time.perf_counter
) -> Times:
    """Time the products of a pass in fp32 and in bf16 under autocast, by turns; the least of several rounds of each.

    On a CPU they are those of tokens with the model's matrices, and each round has another number of tokens: batches
    differ in size, and oneDNN, which computes bf16 there, makes code for each size that it meets, which takes longer
    than a small product itself. Of a shape one first product counts, and a second one for each further matrix.

    Args:
        matrices: The model's, of two dimensions.
        tokens: Tokens of a pass.
        device: The device that computes.
        clock: Gives seconds.
    """
    generator = torch.Generator().manual_seed(1)  # the run's own random numbers stay where they are
    if device.type != "cpu":
        matrices, tokens = [torch.randn(OTHER_SIDE, OTHER_SIDE, generator=generator).to(device)], OTHER_SIDE
    found = list(matrices)
    of_a_shape = {matrix.shape: matrix for matrix in found}
    many = Counter(matrix.shape for matrix in found)
    measured = max(MEASURED_TOKENS, min(tokens, PRODUCTS // sum(matrix.numel() for matrix in of_a_shape.values())))
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for number in range(ROUNDS + 1):
        rows = torch.randn(measured - number, max(shape[1] for shape in of_a_shape), generator=generator).to(device)
        for half in (False, True):
            spent = 0.0
            for shape, matrix in of_a_shape.items():
                with torch.autocast(device.type, torch.bfloat16, enabled=half):
                    first, second = (_time_product(rows[:, : shape[1]], matrix, clock) for _ in range(2))
                spent += max(0.0, first - second) + many[shape] * second * tokens / measured
            if number:  # the first round loads libraries
                seconds[half].append(spent)
    return min(seconds[False]), min(seconds[True])


def _time_product(rows: Tensor, matrix: Tensor, clock: Callable[[], float]) -> float:
    started = clock()
    float(linear(rows, matrix)[0, 0])  # waits until it is done
    return clock() - started
