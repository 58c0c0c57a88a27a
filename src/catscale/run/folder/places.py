"""The places in a run's folder of models other than its best one, and of their scores."""

from pathlib import Path

from catscale.errors import CheckpointError
from catscale.system.writing.places import check_folder
from catscale.training.averaging.places import KINDS, candidate_folder

BEST, BASE = "best", "base"
MODELS = (BEST, *KINDS, BASE)
"""The models of a run that can be scored: the best of all, the best of each kind, and the one that it began with."""


def base_place(folder: Path) -> Path:
    """Return the folder of what is evaluated of the model that a run began with."""
    return folder / BASE


def choose_place(folder: Path, model: str) -> Path:
    """Return the folder that holds the scores of one of a run's models, and `best` of those that are kept.

    Args:
        folder: The run's.
        model: One of `MODELS`.

    Raises:
        CheckpointError: If the run keeps no such candidate.
    """
    if model == BEST:
        return folder
    if model == BASE:
        return base_place(folder)
    place = candidate_folder(folder, model)
    if not check_folder(place):
        kept = [kind for kind in KINDS if candidate_folder(folder, kind).is_dir()]
        raise CheckpointError(
            f"{folder} keeps no best model of the kind {model}, found {', '.join(kept) or 'none of a kind'}; "
            "training.average of a run has them kept: leave --model out for the best of all"
        )
    return place
