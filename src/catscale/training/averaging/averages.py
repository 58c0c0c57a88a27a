"""The averages of a run's parameters, each of which can stand in for them for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from catscale.distributed.sharding import forget_gathered, own_part
from catscale.training.averaging.config import AverageSettings
from catscale.training.averaging.moving_average import MovingAverage
from catscale.training.averaging.places import EMA, LAST
from catscale.training.averaging.recent import list_names, list_recent, put_mean
from catscale.training.setup import TrainingSetup


class Averages:
    """Averages the parameters of a training, which itself never sees them.

    Memory: the moving average, 4 bytes per trainable parameter; while an average stands in, a copy of the parameters.

    Args:
        setup: The run's parts; of a sharded model, every process takes part in everything.
        settings: The averages to make.
    """

    def __init__(self, setup: TrainingSetup, settings: AverageSettings) -> None:
        self.settings, self.objective = settings, setup.objective
        self.parameters = setup.trainable_parameters()
        self._names = list_names(setup.model.stored, self.parameters)
        self.moving = None if settings.ema is None else MovingAverage(self.parameters, settings.ema)

    def update(self) -> None:
        """Take in the parameters after an update."""
        if self.moving is not None:
            self.moving.update()

    def count(self, kind: str, run: Path, step: int) -> int:
        """Count what a kind is the mean of at a validation: models of validations, or updates.

        Args:
            kind: "last" or "ema".
            run: The run's folder.
            step: The step of the validation.
        """
        if kind == LAST:
            return 1 + len(self._list_recent(run, step))
        return 0 if self.moving is None else self.moving.updates

    def list_kinds(self, run: Path, step: int) -> list[str]:
        """List the averages that there are at a validation: a mean of one model is that model."""
        given = {LAST: self.settings.last, EMA: self.settings.ema}
        return [kind for kind, value in given.items() if value is not None and self.count(kind, run, step) > 1]

    @contextmanager
    @torch.no_grad()
    def standing_in(self, kind: str, run: Path, step: int) -> Iterator[None]:
        """Have an average in the place of the parameters for the time of the block, which puts them back bit for bit.

        Args:
            kind: "last" or "ema"; any other is the parameters themselves.
            run: The run's folder.
            step: The step that the run is at.

        Raises:
            CheckpointError: If a kept model cannot be read.
        """
        if kind not in (LAST, EMA):
            yield
            return
        forget_gathered(self.objective)
        before = [own_part(parameter).clone() for parameter in self.parameters.values()]
        try:
            self._put(kind, run, step)
            yield
        finally:
            forget_gathered(self.objective)
            for parameter, value in zip(self.parameters.values(), before, strict=True):
                own_part(parameter).copy_(value)

    def _put(self, kind: str, run: Path, step: int) -> None:
        if kind == LAST:
            put_mean(self._list_recent(run, step), self.parameters, self._names)
        elif self.moving is not None:
            for name, parameter in self.parameters.items():
                own_part(parameter).copy_(own_part(self.moving.values[name]))

    def _list_recent(self, run: Path, step: int) -> list[Path]:
        return list_recent(run, step, self.settings.earlier)
