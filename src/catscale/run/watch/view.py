"""The data that `catscale watch` shows of a run or a sweep: plain data, read without writing anything."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catscale.errors import CatscaleError, ConfigError
from catscale.run.folder.readback import read_scores
from catscale.run.folder.run_folder import load_run
from catscale.run.folder.run_lock import is_held
from catscale.run.watch.follow import Followed, Follower
from catscale.system.console.safe_text import for_terminal
from catscale.system.writing.places import find_kind
from catscale.training.checkpointing.best_step import read_step

MOST_RUNS = 200
"""Runs that a page shows."""
DEEPEST = 2
"""Folders between a sweep's and its runs."""


@dataclass
class _Known:
    """The part of a run that is read once."""

    follower: Follower
    max_steps: int | None = None


class Watched:
    """A folder that is watched.

    Args:
        folder: The folder of a run, or of a sweep, which may have no runs yet.

    Raises:
        ConfigError: If it is neither.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, _Known] = {}
        if not folder.is_dir():
            raise ConfigError(f"{folder} is no folder; give that of a run or of a sweep, which `catscale train` makes")
        if next(find_watched(folder), None) is None:
            raise ConfigError(
                f"{folder} is no run and no sweep: there is no config.yaml in it or {DEEPEST} levels below; give the "
                "folder of a `catscale train` or a `catscale sweep`, which may be under way"
            )

    def look(self) -> dict[str, Any]:
        """Return everything that the page shows, as it is now."""
        runs = []
        for number, (name, folder) in enumerate(find_watched(self.folder)):
            if number == MOST_RUNS:
                break
            known = self._known.setdefault(folder, _Known(Follower(folder / "metrics.jsonl")))
            runs.append(self._describe(name, folder, known))
        return {"title": for_terminal(self.folder.absolute().name), "runs": runs}

    def _describe(self, name: str, folder: Path, known: _Known) -> dict[str, Any]:
        """Describe one run."""
        if known.max_steps is None:
            known.max_steps = _planned_steps(folder)
        found = known.follower.look()
        status = _status(folder, found, known.max_steps)
        return {
            "name": for_terminal(name),
            "status": status,
            "step": found.step,
            "max_steps": known.max_steps,
            "seconds": found.seconds,
            "left": _left(found, known.max_steps) if status == "training" else None,
            "best": found.best,
            "speed": found.latest.get("tokens_per_second"),
            "learning_rate": found.latest.get("learning_rate"),
            "skipped": found.skipped,
            "valid": found.valid.points,
            "train": found.train.points,
            "bleu": found.bleu.points,
            "tasks": found.tasks,
            "task_bleu": found.task_bleu,
            "test": _test_scores(folder),
        }


def find_watched(folder: Path, depth: int = DEEPEST, name: str = "") -> Iterator[tuple[str, Path]]:
    """Yield the runs in a folder, those planned among them, by names within it and in their order."""
    if find_kind(folder / "config.yaml") == "a file" or find_kind(folder / "metrics.jsonl") == "a file":
        yield name or folder.absolute().name, folder
        return
    if depth == 0:
        return
    seen = set()
    for child in sorted(folder.iterdir()):
        planned = child.suffix == ".yaml" and child.name.startswith("seed-") and find_kind(child) == "a file"
        run = child.with_suffix("") if planned else child
        if run in seen:
            continue
        seen.add(run)
        place = f"{name}/{run.name}".lstrip("/")
        if find_kind(run) == "a folder":
            found = list(find_watched(run, depth - 1, place))
            yield from found or ([(place, run)] if planned else [])
        elif planned:
            yield place, run


def _planned_steps(folder: Path) -> int | None:
    try:
        training = load_run(folder).training
    except CatscaleError:
        return None
    return training.max_steps if training.max_minutes is None else None


def _status(folder: Path, found: Followed, max_steps: int | None) -> str:
    if is_held(folder, "train"):
        return "training" if found.step else "starting"
    if is_held(folder, "evaluate"):
        return "evaluating"
    if not found.step:
        return "waiting"
    if max_steps is not None and found.step < max_steps:
        return "stopped"
    return "scored" if _test_scores(folder) else "trained"


def _left(found: Followed, max_steps: int | None) -> float | None:
    """Return the seconds that the training still takes, by its clock so far."""
    if max_steps is None or not found.step:
        return None
    left = found.seconds / found.step * max(0, max_steps - found.step)
    return left if math.isfinite(left) else None


def _test_scores(folder: Path) -> dict[str, Any] | None:
    """Return BLEU, chrF and step of the latest evaluation on test, where it is of the present best model."""
    try:
        scores = read_scores(folder)
        average, step = scores["averages"]["all"], scores["evaluation"].get("step")
        if None not in (step, best := read_step(folder / "best")) and step != best:
            return None  # of an earlier best model
        return {"bleu": average.get("bleu"), "chrf": average.get("chrf"), "step": step}
    except (CatscaleError, KeyError, TypeError):
        return None
