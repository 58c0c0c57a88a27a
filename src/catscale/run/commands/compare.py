"""`catscale compare`: runs' folders in; a `Comparison` and its files out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from catscale.analysis.analysis_file import analysis_path, read_records
from catscale.comparison.compare import Question, compare_runs
from catscale.comparison.evaluated import EvaluatedRun
from catscale.comparison.result import Comparison
from catscale.errors import CheckpointError, ConfigError
from catscale.report.report import write_report
from catscale.run.config import load_config
from catscale.run.folder.output import COMPARISON
from catscale.run.folder.readback import read_environment, read_scores, scores_path
from catscale.system.console.progress import ProgressView
from catscale.system.writing.markers import check_claim, claimed
from catscale.training.records.metrics_file import read_metrics

NEEDED = ("settings", "train_pairs", "resource_groups")
DEEPEST = 3
"""Levels below a given folder on which runs are looked for."""


def compare(
    folders: Sequence[Path],
    out: Path,
    question: Question,
    say: Callable[[str], None],
    title: str = "Comparison of runs",
    lead: str = "",
) -> Comparison:
    """Compare runs, and write `report.html`, its figures, `comparison.json` and `comparison.csv`.

    Args:
        folders: Of runs, or of sweeps, which hold runs.
        out: Folder of the files.
        question: What to compare, and how.
        say: Receives plain lines.
        title: The page's heading.
        lead: What was compared and why, in a sentence or two.

    Returns:
        What was found.

    Raises:
        CatscaleError: If a folder is not a run's, or the runs are not evaluated or not comparable.
    """
    check_claim(out, COMPARISON)
    found = find_runs(folders, 1 if question.outside else 2)
    left_out = [folder for folder in found if not scores_path(folder, question.split).is_file()]
    if left_out and (not question.force or len(found) - len(left_out) < (1 if question.outside else 2)):
        raise CheckpointError(_name_commands(left_out, len(found), question.split))
    runs = [read_run(folder, question.split) for folder in found if folder not in left_out]
    with ProgressView(len(runs[0].directions), 0, "compare") as view:
        done: list[str] = []

        def progress(direction: str) -> None:
            done.append(direction)
            if not view.advance(len(done), direction):
                view.say(f"compared {direction}, {len(done)} of {len(runs[0].directions)} directions")

        comparison = compare_runs(runs, question, progress)
    warnings = [f"{folder} is left out: it was not evaluated" for folder in left_out]
    comparison = replace(comparison, warnings=warnings + comparison.warnings)
    with claimed(out, COMPARISON):
        comparison.write(out / "comparison.json")
        comparison.write_csv(out / "comparison.csv")
        write_report(comparison, out, say, title, lead)
    return comparison


def _name_commands(folders: Sequence[Path], count: int, split: str) -> str:
    """The message for runs that were not evaluated."""
    option = "" if split == "test" else f" --split {split}"
    commands = "\n".join(f"  catscale evaluate {folder}{option}" for folder in folders)
    return (
        f"{len(folders)} of {count} runs were not evaluated on the {split} set; run\n{commands}\n"
        "or leave them out: with --force, where two or more were evaluated"
    )


def find_runs(folders: Sequence[Path], least: int = 2) -> list[Path]:
    """The runs among the given folders and below those that are none, each once.

    Raises:
        ConfigError: If a folder is no run and holds none, or there are fewer runs than `least`.
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
    if len(found) < least:
        listed = ", ".join(map(str, found.values()))
        raise ConfigError(f"a comparison needs two runs or more, found {listed}; give another folder")
    return list(found.values())


def _runs_below(folder: Path, depth: int) -> list[Path]:
    """The folder where it is a run, else the runs in its subfolders down to a depth, in order of their names."""
    if (folder / "environment.json").is_file():
        return [folder]
    if depth == 0 or not folder.is_dir():
        return []
    return [run for child in sorted(folder.iterdir()) if child.is_dir() for run in _runs_below(child, depth - 1)]


def read_run(folder: Path, split: str) -> EvaluatedRun:
    """What a comparison needs to know of a run.

    Raises:
        CheckpointError: If it was not evaluated, or a file is missing or damaged.
        ConfigError: If its configuration cannot be read.
    """
    environment = read_environment(folder)
    metrics = folder / "metrics.jsonl"
    read_records(analysis_path(folder, "train"))  # before the work: the report shows it
    return EvaluatedRun(
        folder=folder,
        config=load_config(folder / "config.yaml").model_dump(mode="json"),
        fingerprint=str(environment.get("data_fingerprint")),
        scores=_read_scores(folder, split),
        dev_scores=_read_scores(folder, "dev") if scores_path(folder, "dev").is_file() else None,
        metrics=read_metrics(metrics) if metrics.is_file() else [],
    )


def _read_scores(folder: Path, split: str) -> dict[str, Any]:
    """The run's scores on a split, with all that says how they were made."""
    scores = read_scores(folder, split)
    made = scores.get("evaluation") or {}
    if any(made.get(name) is None for name in NEEDED):
        raise CheckpointError(
            f"{scores_path(folder, split)} holds no scores; run `catscale evaluate {folder} --split {split}` again"
        )
    return scores
