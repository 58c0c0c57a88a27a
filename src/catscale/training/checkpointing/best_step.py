"""The step of the model in a run's `best`, which its folder tells."""

from pathlib import Path

from catscale.system.reading.json_file import SMALL, load_json
from catscale.system.reading.schema import Count, FileSchema
from catscale.system.writing.files import write_json

STEP = "step.json"


class StepFile(FileSchema):
    """`step.json`."""

    step: Count


def write_step(best: Path, step: int) -> None:
    """Note the step of the model in a folder."""
    write_json(best / STEP, {"step": step})


def read_step(best: Path) -> int | None:
    """Return the step of the model in a folder; None where it does not tell, as earlier versions left it."""
    try:
        step: int = load_json(best / STEP, StepFile, SMALL)["step"]
        return step
    except (OSError, ValueError):
        return None
