"""The step of the model in a run's `best`, and what it is the average of, which its folder tells."""

from pathlib import Path

from catscale.system.reading.json_file import SMALL, load_json
from catscale.system.reading.schema import Count, FileSchema, Text
from catscale.system.writing.files import write_json

STEP = "step.json"


class StepFile(FileSchema):
    """`step.json`."""

    step: Count
    average: Text | None = None


def write_step(best: Path, step: int, average: str | None = None) -> None:
    """Note the step of the model in a folder, and what it is the average of, where it is one."""
    write_json(best / STEP, {"step": step} | ({} if average is None else {"average": average}))


def read_step(best: Path) -> int | None:
    """Return the step of the model in a folder; None where it does not tell, as earlier versions left it."""
    try:
        step: int = load_json(best / STEP, StepFile, SMALL)["step"]
        return step
    except (OSError, ValueError):
        return None


def read_average(best: Path) -> str | None:
    """Return what the model in a folder is the average of, as in "last 5"; None where it is none."""
    try:
        average: str | None = load_json(best / STEP, StepFile, SMALL).get("average")
        return average
    except (OSError, ValueError):
        return None
