"""What a run has written of itself, read back: its scores and its environment."""

import json
from pathlib import Path
from typing import Any

from catscale.errors import CheckpointError


def scores_path(folder: Path, split: str = "test") -> Path:
    """The file of a run's scores: `scores.json` for test, `scores.dev.json` for dev."""
    return folder / ("scores.json" if split == "test" else f"scores.{split}.json")


def read_scores(folder: Path, split: str = "test") -> dict[str, Any]:
    """The run's scores on a split.

    Raises:
        CheckpointError: If it was not evaluated.
    """
    path = scores_path(folder, split)
    if not path.is_file():
        option = "" if split == "test" else f" --split {split}"
        raise CheckpointError(f"{folder} has no {path.name}; run `catscale evaluate {folder}{option}` first")
    return _read_json(path)


def read_environment(folder: Path) -> dict[str, Any]:
    """The run's `environment.json`.

    Raises:
        CheckpointError: If it is missing or damaged.
    """
    return _read_json(folder / "environment.json")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError(f"it holds no keys but {type(content).__name__}")
        return content
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); restore it, or make the run again") from error
