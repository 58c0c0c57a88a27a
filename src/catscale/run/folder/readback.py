"""Reading back what a run has written of itself: its scores and its environment."""

from pathlib import Path
from typing import Any

from catscale.data.direction import Direction
from catscale.errors import CheckpointError
from catscale.evaluation.metrics.table import learn_recorded
from catscale.evaluation.scores_schema import ScoresFile
from catscale.evaluation.split_option import write_split_option
from catscale.system.reading.json_file import read_json
from catscale.training.records.environment_schema import EnvironmentFile

AGAIN = "restore it, or make the run again"


def name_scores_file(folder: Path, split: str = "test") -> Path:
    """Return the file of a run's scores: `scores.json` for test, `scores.dev.json` for dev."""
    return folder / ("scores.json" if split == "test" else f"scores.{split}.json")


def read_scores(folder: Path, split: str = "test") -> dict[str, Any]:
    """Read the run's scores on a split; from then on the metrics of the user's own in them are shown as recorded.

    Raises:
        CheckpointError: If it was not evaluated.
    """
    path = name_scores_file(folder, split)
    if not path.is_file():
        option = write_split_option(split)
        raise CheckpointError(f"{folder} has no {path.name}; run `catscale evaluate {folder}{option}` first")
    scores: dict[str, Any] = read_json(path, ScoresFile, CheckpointError, AGAIN)
    learn_recorded(scores.get("evaluation") or {})
    return scores


def read_environment(folder: Path) -> dict[str, Any]:
    """Read the run's `environment.json`.

    Raises:
        CheckpointError: If it is missing or damaged.
    """
    return read_json(folder / "environment.json", EnvironmentFile, CheckpointError, AGAIN)


def run_directions(folder: Path) -> list[Direction]:
    """Return the directions that the run was trained on, without reading its data.

    Raises:
        CheckpointError: If `environment.json` is missing or damaged.
    """
    return [Direction.parse(name) for name in read_environment(folder).get("train_pairs", {})]
