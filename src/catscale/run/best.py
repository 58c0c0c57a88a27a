"""`RUN/best`, the model that a run has come to, checked before it is used."""

import time
from collections.abc import Callable
from pathlib import Path

from catscale.errors import CheckpointError
from catscale.files import recover_folder
from catscale.manifest import MANIFEST, find_damage
from catscale.run.lock import hold_lock, is_held

PATIENCE = 10.0
"""Seconds that a reader waits for a training run that is just replacing the model."""


def best_folder(folder: Path, say: Callable[[str], None] = print) -> Path:
    """The run's `best`, checked to be there and to be what was written.

    Args:
        folder: The run's.
        say: Receives warnings.

    Raises:
        CheckpointError: If it is missing or damaged.
    """
    best = folder / "best"
    _settle(folder, best)
    if not (best / "model.safetensors").is_file():
        raise CheckpointError(
            f"{folder} has no trained model yet: {best} is missing, which the first validation writes; "
            "run `catscale train`, or continue it"
        )
    if not (best / MANIFEST).exists():
        say(f"warning: {best} has no {MANIFEST}, as an earlier version of catscale left it; its files are not checked")
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


def _settle(folder: Path, best: Path) -> None:
    """Undo a replacement that was cut off; wait for one that is going on."""
    deadline = time.monotonic() + PATIENCE
    aside = best.with_name(f".{best.name}.old")
    while aside.exists() and not best.exists() and time.monotonic() < deadline:
        if not is_held(folder, "train"):
            with hold_lock(folder, "train"):
                recover_folder(best)
        else:
            time.sleep(0.05)
