"""The models of a run that can be analysed: its checkpoints, and the best one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catscale.errors import CheckpointError
from catscale.run.folder.best import best_folder
from catscale.system.console.messages import Say
from catscale.training.checkpointing.best_step import read_average, read_step
from catscale.training.checkpointing.checkpoint import (
    find_checkpoint_damage,
    list_checkpoints,
    load_checkpoint,
    require,
    step_of,
)


@dataclass(frozen=True)
class Snapshot:
    """A model to analyse.

    Attributes:
        step: Updates it has seen.
        folder: Holds the model.
        checkpoint: Its own checkpoint, or the newest one if its own is not kept.
    """

    step: int
    folder: Path
    checkpoint: Path

    @property
    def is_own(self) -> bool:
        """Whether the checkpoint is of this step."""
        return self.folder == self.checkpoint


def choose_snapshots(folder: Path, which: str, warn: Say) -> list[Snapshot]:
    """Return the models that "newest", "best", "all" or a number stands for, by ascending step.

    "newest" is the newest one that is whole; those of "all" and of a number are as they are found.

    Raises:
        CheckpointError: If there is none.
    """
    paths = list_checkpoints(folder / "checkpoints")
    if not paths:
        raise CheckpointError(
            f"{folder} has no checkpoint yet, which the first validation writes; run `catscale train`, or wait for it"
        )
    if which == "all":
        return [_snapshot(path) for path in reversed(paths)]
    if which == "newest":
        return [_snapshot(_newest_whole(paths, warn))]
    if which == "best":
        return [_best(folder, paths, warn)]
    steps = {step_of(path): path for path in paths}
    if int(which) not in steps:
        raise CheckpointError(
            f"{folder} keeps no checkpoint of step {which}; there are those of {', '.join(map(str, sorted(steps)))}"
            "; choose among them, and keep more with training.keep"
        )
    return [_snapshot(steps[int(which)])]


def _best(folder: Path, paths: Sequence[Path], warn: Say) -> Snapshot:
    """Return the best step so far: its own checkpoint, or the folder `best` where that is not kept, or an average."""
    newest, told = _newest_whole(paths, warn), read_step(folder / "best")
    if told is not None and read_average(folder / "best") is not None:
        return Snapshot(told, best_folder(folder, warn), newest)
    content = load_checkpoint(newest)
    require(newest, content, ("progress",))
    step = int(content["progress"]["best_step"])
    if not step:
        raise CheckpointError(f"{folder} has no best step yet, which the first validation gives; choose newest")
    for path in paths:
        if step_of(path) == step and find_checkpoint_damage(path) is None:
            return _snapshot(path)
    return Snapshot(step, best_folder(folder, warn), newest)


def _newest_whole(paths: Sequence[Path], warn: Say) -> Path:
    """Return the first of the checkpoints that is not damaged."""
    for path in paths:
        problem = find_checkpoint_damage(path)
        if problem is None:
            return path
        warn(f"warning: {problem}; it is passed over")
    raise CheckpointError(f"no usable checkpoint in {paths[0].parent}; wait for the next, or train again")


def _snapshot(path: Path) -> Snapshot:
    return Snapshot(step_of(path), path, path)
