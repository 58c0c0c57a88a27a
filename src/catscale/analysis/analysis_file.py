"""`RUN/analysis.json`: the newest analysed step, and the earlier ones under "history"."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from catscale.analysis.schemas import AnalysisFile
from catscale.errors import CheckpointError
from catscale.system.reading.json_file import read_json
from catscale.system.writing.files import write_json

AnalysisEntry = dict[str, Any]


def analysis_path(folder: Path, split: str) -> Path:
    """Return the path of `analysis.json` for the training data, `analysis.dev.json` for dev."""
    return folder / ("analysis.json" if split == "train" else f"analysis.{split}.json")


def read_records(path: Path) -> list[AnalysisEntry]:
    """Return the records of a file by ascending step; none where there is no file.

    Raises:
        CheckpointError: If it is damaged.
    """
    if not path.exists():
        return []
    return list_records(read_json(path, AnalysisFile, CheckpointError, "delete it and analyse again"))


def list_records(content: Mapping[str, Any]) -> list[AnalysisEntry]:
    """Return the records of a file's content by ascending step; none if it is empty.

    Example:
        >>> list_records({"step": 20, "history": [{"step": 10}]})
        [{'step': 10}, {'step': 20}]
    """
    if "step" not in content:
        return []
    newest = {key: value for key, value in content.items() if key != "history"}
    return merge(content.get("history", []), [newest])


def merge(*sources: Iterable[AnalysisEntry]) -> list[AnalysisEntry]:
    """Return one record per step by ascending step; later sources win."""
    by_step = {int(record["step"]): record for records in sources for record in records}
    return [by_step[step] for step in sorted(by_step)]


def write_records(path: Path, records: list[AnalysisEntry]) -> None:
    """Write one or more records, by ascending step."""
    write_json(path, {**records[-1], "history": records[:-1]})
