"""The kinds of models that compete to be a run's best one, and the folders of averages in a run's."""

from pathlib import Path

SINGLE, LAST, EMA = "single", "last", "ema"
"""The kinds of models of which the best one is chosen: the trained parameters themselves, and both averages."""
KINDS = (SINGLE, LAST, EMA)
AVERAGES = "averages"


def candidate_folder(run: Path, kind: str) -> Path:
    """Return the folder of the best model of a kind, and of what is evaluated of it."""
    return run / AVERAGES / kind


def recent_folder(run: Path) -> Path:
    """Return the folder of the models of the latest validations."""
    return run / AVERAGES / "recent"
