"""The folders of averages in a run's."""

from pathlib import Path

AVERAGES = "averages"


def candidate_folder(run: Path, kind: str) -> Path:
    """Return the folder of the best model of a kind, and of what is evaluated of it."""
    return run / AVERAGES / kind


def recent_folder(run: Path) -> Path:
    """Return the folder of the models of the latest validations."""
    return run / AVERAGES / "recent"
