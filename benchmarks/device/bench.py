"""What the sections of `benchmarks/gpu.py` measure with: the device, the carried corpus and a clock."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from benchmarks.device.carried import DIRECTIONS, place_of

from catscale.data.store.store import Store
from catscale.distributed.processes import Processes
from catscale.run.assembly import Assembly
from catscale.run.config import RunConfig, load_config
from catscale.training.ahead import Made, StepsAhead
from catscale.training.trainer import Trainer

CONFIG = Path(__file__).parents[2] / "configs" / "multi30k.yaml"
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40": 181e12, "RTX 4090": 165e12}
"""Operations a second in bf16 without sparsity, by a part of the device's name, as their makers say."""


class CountedSteps(StepsAhead):
    """Steps of a trainer, of which it is noted how many tasks they hold.

    Attributes:
        tasks: The fewest tasks of a step; None before the first.
    """

    tasks: int | None = None

    def take(self, step: int) -> Made:
        """Take the sub-batches of a step, by task."""
        made = super().take(step)
        self.tasks = len(made) if self.tasks is None else min(self.tasks, len(made))
        return made


@dataclass(frozen=True)
class Bench:
    """The things that all sections share.

    Attributes:
        device: The device that is measured.
        stores: The carried corpus by its number of directions.
        tokens: Target tokens of a step.
        presets: Those that training is measured with; the first one serves everything else.
        seconds: Seconds that a figure is measured for, after its first steps.
    """

    device: torch.device
    stores: Mapping[int, Store]
    tokens: int
    presets: tuple[str, ...]
    seconds: float

    @property
    def peak(self) -> float | None:
        """Operations a second in bf16 that the device's maker promises, where they are known."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else ""
        return next((peak for part, peak in PEAKS.items() if part in name), None)

    def configure(self, overrides: Sequence[str], preset: str | None = None) -> RunConfig:
        """Return a configuration at the size of this bench."""
        settings = [f"training.batch_tokens={self.tokens}", "training.sub_batch_tokens=null"]
        settings += ["training.max_minutes=null", "evaluation.max_length=32"]
        settings += ["training.compile=false"]  # where it is not what is measured: trying it takes a compiler's time
        settings += [f"training.device={self.device}", f"model.preset={preset or self.presets[0]}"]
        return load_config(CONFIG, [*settings, *overrides])

    def train(self, config: RunConfig, store: Store, folder: str) -> Trainer:
        """Return a trainer that is ready for `step`."""
        assembly = Assembly(config, store)
        trainer = Trainer(assembly.build_setup(Path(folder), Processes(device=self.device), lambda line: None))
        trainer.start()
        return trainer

    def measure_training(
        self,
        name: str,
        overrides: Sequence[str] = (),
        preset: str | None = None,
        directions: int = 8,
        steps: int = 1,
        casts_together: bool = True,
    ) -> dict[str, Any]:
        """Return the row of catscale's trainer, with the fewest tasks that a step held.

        Args:
            name: The row's.
            overrides: Settings.
            preset: The model; None for the bench's first.
            directions: Those of the corpus.
            steps: Steps after which they are all of the same kinds again, as with `inner_steps`.
            casts_together: Whether a layer's parameters are cast as one where they may be.
        """
        self.clear()
        with TemporaryDirectory() as folder:
            trainer = self.train(self.configure(overrides, preset), self.stores[directions], folder)
            trainer.builder.may_cast &= casts_together
            trainer.batches = batches = CountedSteps(trainer.stream, is_on=self.device.type != "cpu")

            def run() -> int:
                before = trainer.progress.tokens
                for _ in range(steps):
                    trainer.step()
                return trainer.progress.tokens - before

            parameters = sum(p.numel() for p in trainer.model.parameters())
            with batches:
                figures = self.clock(run, parameters, steps)
            return {"name": name, "parameters": parameters, "tasks": batches.tasks, **figures}

    def clock(self, run: Callable[[], int], parameters: int = 0, steps: int = 1, warm_up: int = 2) -> dict[str, Any]:
        """Return how many units a second a function brings, each call of which returns some.

        Args:
            run: Measured until the seconds are over.
            parameters: Those of the model, where the units are target tokens.
            steps: Steps of a call.
            warm_up: Calls before.
        """
        for _ in range(warm_up):
            run()
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        self.wait()
        units, calls, started = 0, 0, time.perf_counter()
        while not calls or time.perf_counter() - started < self.seconds:
            units, calls = units + run(), calls + 1
        self.wait()
        seconds = time.perf_counter() - started
        share = 6 * parameters * units / seconds / self.peak if self.peak and parameters else None
        memory = torch.cuda.max_memory_allocated(self.device) / 2**30 if self.device.type == "cuda" else None
        figures = {"rate": units / seconds, "ms": 1000 * seconds / calls / steps, "share": share, "gib": memory}
        return figures | {"calls": calls}

    def clear(self) -> None:
        """Free what earlier rows left, so that the memory of the next one is its own."""
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def wait(self) -> None:
        """Wait until the device has done all that was asked of it."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def open_bench(carried: Path, device: str | None, small: bool) -> Bench:
    """Open the carried corpus, at full size on a GPU that is not to be tried small."""
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    stores = {count: Store.open(place_of(carried, count)) for count in DIRECTIONS}
    if small or place.type == "cpu":
        return Bench(place, stores, 256, ("tiny",), 0.2)
    return Bench(place, stores, 32_768, ("ted", "base"), 3.0)
