"""A few real steps of a training, taken to be measured: their time, and the memory that they need."""

import time
from dataclasses import dataclass
from statistics import mean

import torch

from catscale.model.limits import TRAINING_BYTES
from catscale.run.time_left import in_words
from catscale.system.console.numbers import count_things
from catscale.system.memory import available_memory, peak_memory
from catscale.training.config import TrainingConfig
from catscale.training.setup import TrainingSetup
from catscale.training.trainer import Trainer

WARM_UP, MEASURED = 1, 3
GIBIBYTE = 2**30


@dataclass(frozen=True)
class TrialResult:
    """The measurement of some steps.

    Attributes:
        seconds: Mean time of a step.
        peak: Most bytes that were held: of the device's memory, or on a processor of the whole process.
        available: Bytes that could be had before; None where that is not known.
        device: The name of the device, as PyTorch has it.
    """

    seconds: float
    peak: int
    available: int | None
    device: str


def try_steps(trainer: Trainer) -> TrialResult:
    """Take a step to warm up and three that are measured.

    Args:
        trainer: Started, in a folder that is given up afterwards.

    Raises:
        DivergedError: On a loss or gradient that is not finite.
    """
    device = trainer.processes.device
    available = _available(device)
    times = []
    for _ in range(WARM_UP + MEASURED):
        begin = time.perf_counter()
        trainer.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - begin)
    trainer.settle()
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak_memory()
    return TrialResult(mean(times[WARM_UP:]), peak, available, str(device))


def _available(device: torch.device) -> int | None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_allocated(device)
    return None if (free := available_memory()) is None else free + peak_memory()


def count_numbers(setup: TrainingSetup) -> tuple[int, int]:
    """Count the numbers of a model, and those of them that are trained."""
    every = sum(parameter.numel() for parameter in setup.model.parameters())
    return every, sum(parameter.numel() for parameter in setup.trainable_parameters().values())


def say_trained(every: int, trained: int) -> str:
    """Return what follows the number of a model's parameters where not all of them are trained; nothing where all."""
    return "" if trained == every else f", of which {trained:,} are trained"


def describe_size(setup: TrainingSetup, found: TrialResult) -> list[str]:
    """Describe the model's parameters and the memory of the training."""
    every, trained = count_numbers(setup)
    needed = _gibibytes(TRAINING_BYTES * trained + 4 * (every - trained))
    whole = "in the device's memory" if found.device.startswith("cuda") else "by the whole process"
    of = "" if found.available is None else f", of {_gibibytes(found.available)} that can be had"
    return [
        f"parameters: {every:,}{say_trained(every, trained)}",
        f"memory: {needed} for parameters, gradients and AdamW's moments; {_gibibytes(found.peak)} held {whole} at "
        f"most in these steps{of}",
    ]


def describe_time(training: TrainingConfig, found: TrialResult, validation: float, measures: bool) -> list[str]:
    """Foretell the time of the training.

    Args:
        training: The settings of the loop.
        found: The measured steps.
        validation: Steps that cost as much as a validation.
        measures: Whether the balancing method measures gradients in some steps, which take longer.
    """
    lines = [f"a step takes {found.seconds:.3g} s on {found.device} ({MEASURED} steps measured after {WARM_UP})"]
    every = training.validate_every
    share = validation * found.seconds
    if training.max_minutes is not None:
        fitting = int(60 * training.max_minutes / (found.seconds + share / every))
        steps = min(fitting, training.max_steps)
        lines.append(f"time: about {steps:,} steps in the {training.max_minutes:g} minutes of training.max_minutes")
    else:
        steps = training.max_steps
        number = max(1, -(-steps // every))
        whole = steps * found.seconds + number * share
        lines.append(
            f"time: {in_words(whole)} for {count_things(steps, 'step')} and {count_things(number, 'validation')}, "
            f"{in_words(number * share)} of it for {'this' if number == 1 else 'these'}"
        )
    notes = ["the balancing method measures gradients in some steps, which take longer"] if measures else []
    if training.validate_bleu is not None:
        notes.append("the translations of training.validate_bleu come on top")
    return [*lines, *(f"note: {note}" for note in notes)]


def _gibibytes(number: int) -> str:
    if number >= GIBIBYTE:
        return f"{number / GIBIBYTE:,.1f} GiB"
    return f"{number / 2**20:,.0f} MiB" if number >= 2**20 else "under 1 MiB"
