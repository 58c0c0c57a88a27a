"""The records of a run: `metrics.jsonl`, and TensorBoard's copy where it is wanted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catscale.errors import CatscaleError, Interrupted
from catscale.training.records.metrics_file import MetricsLog
from catscale.training.records.tensorboard import TensorBoardLog
from catscale.training.records.trackers import Trackers
from catscale.training.state import Progress


class RunLog:
    """Writes records with the step and the time of the run.

    Args:
        folder: The run's; None where another process writes.
        metrics_size: The bytes of `metrics.jsonl` after which the run goes on.
        step: The update that it goes on after.
        tensorboard: Whether TensorBoard gets the numbers too.
        trackers: Others that get them; None for none.
    """

    def __init__(
        self,
        folder: Path | None,
        metrics_size: int,
        step: int,
        tensorboard: bool,
        trackers: Trackers | None = None,
    ) -> None:
        self.trackers = trackers
        self.metrics = MetricsLog(None if folder is None else folder / "metrics.jsonl", metrics_size)
        self.board = TensorBoardLog(folder / "tensorboard", step) if tensorboard and folder is not None else None

    def write(self, kind: str, progress: Progress, record: Mapping[str, Any]) -> None:
        """Append a record."""
        self.metrics.write(kind=kind, step=progress.step, time=round(progress.seconds, 3), **record)
        if self.board is not None:
            self.board.write(kind, progress.step, record)
        if self.trackers is not None:
            self.trackers.write(kind, progress.step, record)

    def break_off(self, error: BaseException) -> None:
        """Tell trackers that the run ends before its time; a continued one goes on with theirs."""
        if self.trackers is not None:
            status = error.exit_status if isinstance(error, CatscaleError) else 1
            self.trackers.close(Interrupted.exit_status if isinstance(error, KeyboardInterrupt) else status)

    def close(self) -> None:
        """Write what is held back, and close the files."""
        self.metrics.close()
        if self.board is not None:
            self.board.close()
        if self.trackers is not None:
            self.trackers.close()
