"""The step of the model in a run's `best`, which its folder tells."""

import json
from pathlib import Path

from catscale.system.files import write_json

STEP = "step.json"


def write_step(best: Path, step: int) -> None:
    """Note the step of the model in a folder."""
    write_json(best / STEP, {"step": step})


def read_step(best: Path) -> int | None:
    """The step of the model in a folder; None where it does not tell, as earlier versions left it."""
    try:
        step = json.loads((best / STEP).read_text(encoding="utf-8"))["step"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return step if type(step) is int else None  # a truth value is an int as well
