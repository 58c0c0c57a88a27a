"""`RUN/best`, the model that a run has come to, checked before it is used."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from catscale.errors import CheckpointError
from catscale.run.folder.run_lock import hold_lock, is_held
from catscale.system.console.messages import Say
from catscale.system.console.messages import say as say_on_stderr
from catscale.system.writing.files import link_file, make_folder, recover_folder, remove_folder, user_errors
from catscale.system.writing.folders import aside_of, name_beside, names_beside
from catscale.system.writing.manifest import MANIFEST, find_damage
from catscale.training.checkpointing.best_step import read_step
from catscale.training.records.metrics_file import find_best_step, read_metrics

PATIENCE = 10.0
"""Seconds that a reader waits for a training run that is just replacing the model."""
FROZEN = "frozen"
COPIES = 20
"""The number of tries to copy the model while training replaces it."""


def best_folder(folder: Path, say: Say = say_on_stderr, place: Path | None = None) -> Path:
    """Return the run's `best`, checked to be there and to be what was written.

    Args:
        folder: The run's.
        say: Receives warnings.
        place: The folder that `choose_place` found; None for the run's.

    Raises:
        CheckpointError: If it is missing or damaged.
    """
    best = (place or folder) / "best"
    if best.is_symlink():
        raise CheckpointError(f"{best} is a symbolic link, which may lead to any model; put the folder in its place")
    _settle(folder, best)
    if not (best / "model.safetensors").is_file():
        raise CheckpointError(
            f"{folder} has no trained model yet: {best} is missing, which the first validation writes; "
            "run `catscale train`, or continue it"
        )
    if not (best / MANIFEST).exists():
        left = "as an earlier version of catscale, or transformers, left it"
        say(f"warning: {best} has no {MANIFEST}, {left}; its files are not checked")
        return best
    problem = find_damage(best, ("model.safetensors",))
    deadline = time.monotonic() + PATIENCE
    while problem is not None and is_held(folder, "train") and time.monotonic() < deadline:
        time.sleep(0.2)  # it may have been replaced while it was read
        problem = find_damage(best, ("model.safetensors",))
    if problem is not None:
        raise CheckpointError(
            f"{best} is damaged: {problem}; `catscale train {folder / 'config.yaml'} --out {folder}` writes it again "
            "where the checkpoint of its step is kept; otherwise restore it, or train again"
        )
    return best


def find_step_of_best(folder: Path, select_by: str, best: Path | None = None) -> int | None:
    """Return the step of the model in `best`, as it tells itself, or else that of the best validation.

    Args:
        folder: The run's.
        select_by: The validation that chooses: the run's `training.select_by`.
        best: The folder of the model, if it is not the run's `best`.

    Returns:
        None where neither is on record.
    """
    path, told = folder / "metrics.jsonl", read_step(best or folder / "best")
    if told is not None or not path.is_file():
        return told
    return find_best_step(read_metrics(path), select_by)


@contextmanager
def frozen_best(folder: Path, best: Path) -> Iterator[Path]:
    """Give a copy of the run's `best`, by links where the file system has them, that training does not replace.

    Whoever calls it must be the only one that does so in the folder.

    Args:
        folder: The run's.
        best: The folder that `best_folder` found.

    Raises:
        CheckpointError: If training replaces it again and again while it is copied.
        CatscaleError: If the folder cannot be written to.
    """
    if not (best / MANIFEST).exists():  # of an earlier version: what is whole cannot be told
        yield best
        return
    for left in names_beside(best, FROZEN):
        remove_folder(left)
    copy = name_beside(best, FROZEN)
    try:
        for _ in range(COPIES):
            with user_errors("copy the best model to", copy):
                remove_folder(copy)
                make_folder(copy, exist_ok=False)
            if _copy(best, copy):
                yield copy
                return
            time.sleep(0.2)
        raise CheckpointError(f"training replaces {best} while it is read; evaluate again when training is done")
    finally:
        remove_folder(copy)


def _copy(best: Path, copy: Path) -> bool:
    """Copy all files; return whether all could be copied, and are of one model."""
    try:
        for path in best.iterdir():
            if path.is_file():
                link_file(path, copy / path.name)
    except FileNotFoundError:
        return False
    return find_damage(copy, ("model.safetensors",)) is None


def _settle(folder: Path, best: Path) -> None:
    """Undo a replacement that was cut off; wait for one that is going on."""
    deadline = time.monotonic() + PATIENCE
    while not best.exists() and aside_of(best) is not None and time.monotonic() < deadline:
        if not is_held(folder, "train"):
            with hold_lock(folder, "train"):
                recover_folder(best)
        else:
            time.sleep(0.05)
