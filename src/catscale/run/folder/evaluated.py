"""Runs that were evaluated, as a comparison reads them from their folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from catscale.analysis.analysis_file import analysis_path, read_records
from catscale.comparison.evaluated import EvaluatedRun
from catscale.errors import CheckpointError, ConfigError
from catscale.run.config import load_config
from catscale.run.folder.places import base_place
from catscale.run.folder.readback import name_scores_file, read_environment, read_scores
from catscale.training.records.metrics_file import read_metrics

NEEDED = ("settings", "train_pairs", "resource_groups")
DEEPEST = 3
"""Levels below a given folder on which runs are looked for."""


def find_runs(folders: Sequence[Path]) -> list[Path]:
    """Return the runs among the given folders and below those that are none, each once.

    Raises:
        ConfigError: If a folder is no run and holds none.
    """
    found: dict[Path, Path] = {}
    for folder in folders:
        runs = _runs_below(folder, DEEPEST)
        if not runs:
            raise ConfigError(
                f"{folder} is no run and holds none: there is no environment.json in it or {DEEPEST} levels below; "
                "give folders of `catscale train`, or of a sweep"
            )
        for run in runs:
            found.setdefault(run.resolve(), run)
    return list(found.values())


def check_enough(found: Sequence[Path], least: int) -> None:
    """Refuse to compare fewer runs than `least`.

    Raises:
        ConfigError: If there are fewer.
    """
    if len(found) < least:
        listed = ", ".join(map(str, found))
        raise ConfigError(f"a comparison needs two runs or more, found {listed}; give another folder")


def has_base_scores(folder: Path, split: str) -> bool:
    """Return whether the model was scored that a run began with: a single run can then be compared with it."""
    return name_scores_file(base_place(folder), split).is_file()


def _runs_below(folder: Path, depth: int) -> list[Path]:
    """Return the folder if it is a run, else the runs in its subfolders down to a depth, in order of their names."""
    if (folder / "environment.json").is_file():
        return [folder]
    if depth == 0 or not folder.is_dir():
        return []
    return [run for child in sorted(folder.iterdir()) if child.is_dir() for run in _runs_below(child, depth - 1)]


def read_run(folder: Path, split: str, name: str = "") -> EvaluatedRun:
    """Read what a comparison needs to know of a run.

    Args:
        folder: The run's.
        split: The split whose scores are compared.
        name: The name that the user gave its method.

    Raises:
        CheckpointError: If it was not evaluated, or a file is missing or damaged.
        ConfigError: If its configuration cannot be read.
    """
    environment = read_environment(folder)
    metrics = folder / "metrics.jsonl"
    read_records(analysis_path(folder, "train"))  # before the work: the report shows it
    return EvaluatedRun(
        folder=folder,
        config=load_config(folder / "config.yaml", is_record=True).model_dump(mode="json"),
        fingerprint=str(environment.get("data_fingerprint")),
        scores=_read_scores(folder, split),
        dev_scores=_read_scores(folder, "dev") if name_scores_file(folder, "dev").is_file() else None,
        metrics=read_metrics(metrics) if metrics.is_file() else [],
        base_scores=_read_scores(base_place(folder), split) if has_base_scores(folder, split) else None,
        name=name,
    )


def _read_scores(folder: Path, split: str) -> dict[str, Any]:
    """Read the run's scores on a split, with their provenance."""
    scores = read_scores(folder, split)
    made = scores.get("evaluation") or {}
    if any(made.get(name) is None for name in NEEDED):
        raise CheckpointError(
            f"{name_scores_file(folder, split)} holds no scores; run `catscale evaluate {folder} --split {split}` again"
        )
    return scores
