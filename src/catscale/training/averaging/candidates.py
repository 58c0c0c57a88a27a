"""The models of which a run's best one is chosen on dev: the trained parameters, and their averages.

RUN/averages/{single,last,ema}/best/    the best of each kind so far, a folder like `RUN/best`
RUN/best/                               the best of them all, the same files under second names where the disk has links

They are written after the checkpoint of their step, from what it holds: where a kill comes in between, the continued
run writes them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from catscale.distributed.processes import Processes
from catscale.distributed.sharding import is_sharded
from catscale.system.console.messages import Say
from catscale.system.writing.files import clear_leftovers, link_folder, new_folder
from catscale.system.writing.manifest import find_damage, read_manifest
from catscale.training.averaging.averages import Averages
from catscale.training.averaging.places import KINDS, SINGLE, candidate_folder
from catscale.training.averaging.recent import keep_recent, settle_recent
from catscale.training.checkpointing.best_step import read_step
from catscale.training.state import Progress
from catscale.training.validation import Validator


class ModelWriter(Protocol):
    """Writes a folder of the present parameters, all processes taking part."""

    def __call__(self, folder: Path, step: int, average: str | None) -> None:
        """Write a folder; `average` says what the parameters are the mean of, None for nothing."""


class Candidates:
    """Measures the candidates at validations and keeps the best of each.

    Args:
        averages: The averages of the parameters.
        validator: Measures a model on dev.
        processes: The processes that train together.
        write: Writes a folder of a model.
        keep: The number of checkpoints that are kept.
        warn: Receives warnings.
    """

    def __init__(
        self, averages: Averages, validator: Validator, processes: Processes, write: ModelWriter, keep: int, warn: Say
    ) -> None:
        self.averages, self.validator, self.processes = averages, validator, processes
        self.write, self.keep, self.warn = write, keep, warn

    def judge(self, run: Path, progress: Progress, single: Mapping[str, Any]) -> dict[str, Any]:
        """Measure the averages at the present step, and note the best of each kind.

        Args:
            run: The run's folder.
            progress: The position of the run; its candidates move.
            single: The record of the parameters themselves.

        Returns:
            For the record: `average`, the NLL of each average; `best`, which model is the best so far, and its score.
        """
        measured = {}
        for kind in self.averages.list_kinds(run, progress.step):
            with self.averages.standing_in(kind, run, progress.step):
                count = self.averages.count(kind, run, progress.step)
                measured[kind] = {"of": count, **self.validator.measure_record()}
        for kind, record in {SINGLE: single, **measured}.items():
            progress.judge_candidate(kind, self.validator.score(record))
        kind, best = progress.best_candidate()
        return {"average": measured, "best": {"model": kind, "step": best.step, "nll": best.score}}

    def keep_best(self, run: Path, progress: Progress, checkpoint: Path) -> None:
        """Write the candidates that are the best of their kind since this step, whose checkpoint was just written."""
        if progress.validated != progress.step:
            return
        for kind, best in progress.candidates.items():
            if best.step == progress.step:
                self._write(kind, run, progress.step)
        if self.processes.is_first:
            kind, winner = progress.best_candidate()
            if winner.step == progress.step:
                _choose(run, kind)
            self._keep_recent(run, checkpoint)

    def settle(self, run: Path, progress: Progress, checkpoint: Path) -> None:
        """Make good what a kill after the checkpoint left undone, before a run goes on from it."""
        if self.processes.is_first:
            settle_recent(run, progress.step, self.warn)
            for kind in KINDS:
                clear_leftovers(candidate_folder(run, kind) / "best")
        self.processes.wait()
        whole = set()
        for kind, best in progress.candidates.items():
            folder = candidate_folder(run, kind) / "best"
            wrong = self.processes.is_first and not _is_whole(folder, best.step)
            if not self.processes.sum([float(wrong)])[0]:
                whole.add(kind)
            elif best.step == progress.step == progress.validated:
                self._write(kind, run, progress.step)
                whole.add(kind)
            elif self.processes.is_first:
                self.warn(
                    f"warning: {folder} is damaged, or not of step {best.step}, and what it was made from is not "
                    "kept; the next best model of its kind replaces it"
                )
        if self.processes.is_first and progress.candidates:
            kind, _ = progress.best_candidate()
            if kind in whole:
                _choose(run, kind)
            if progress.validated == progress.step:
                self._keep_recent(run, checkpoint)

    def _keep_recent(self, run: Path, checkpoint: Path) -> None:
        """Keep the model of a checkpoint for later means, also of a run that goes back by some checkpoints."""
        if earlier := self.averages.settings.earlier:
            keep_recent(run, checkpoint, earlier + self.keep)

    def _write(self, kind: str, run: Path, step: int) -> None:
        """Write the folder of a kind at the present step."""
        if not (self.processes.is_first or is_sharded(self.validator.objective.model)):
            return
        with self.averages.standing_in(kind, run, step):
            average = None if kind == SINGLE else self.averages.settings.label(kind)
            self.write(candidate_folder(run, kind) / "best", step, average)


def _choose(run: Path, kind: str) -> None:
    """Have the model of a kind, whose folder is whole, in `best`."""
    source, best = candidate_folder(run, kind) / "best", run / "best"
    if not _same_model(source, best):
        with new_folder(best) as temporary:
            link_folder(source, temporary)


def _is_whole(folder: Path, step: int) -> bool:
    return read_step(folder) == step and find_damage(folder, ("model.safetensors",)) is None


def _same_model(one: Path, other: Path) -> bool:
    """Return whether two folders hold the same files, by their manifests."""
    try:
        return read_manifest(one) == read_manifest(other) and find_damage(other) is None
    except (OSError, ValueError):
        return False
