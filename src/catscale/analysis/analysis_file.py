"""`RUN/analysis.json`: the newest analysed step, and the earlier ones under "history"."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from catscale.errors import CheckpointError
from catscale.system.reading.json_file import read_json
from catscale.system.writing.files import write_json
from catscale.training.records.metrics_file import read_metrics
from catscale.training.records.schemas import AnalysisFile

Record = dict[str, Any]


def analysis_path(folder: Path, split: str) -> Path:
    """`analysis.json` for the training data, `analysis.dev.json` for dev."""
    return folder / ("analysis.json" if split == "train" else f"analysis.{split}.json")


def read_records(path: Path) -> list[Record]:
    """The records of a file by ascending step; none where there is no file.

    Raises:
        CheckpointError: If it is damaged.
    """
    if not path.exists():
        return []
    newest = read_json(path, AnalysisFile, CheckpointError, "delete it and analyse again")
    records = [*newest.pop("history"), newest]
    return sorted(records, key=lambda record: int(record["step"]))


def live_records(folder: Path, split: str) -> list[Record]:
    """What was measured of a split while the run was training, from its `metrics.jsonl`."""
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    found = [record for record in read_metrics(path) if record["kind"] == "analysis"]
    return [
        {"step": record["step"], **{key: value for key, value in record.items() if key not in ("kind", "step", "time")}}
        for record in found
        if record.get("settings", {}).get("split", "train") == split
    ]


def merge(*sources: Iterable[Record]) -> list[Record]:
    """One record a step, by ascending step; later sources win."""
    by_step = {record["step"]: record for records in sources for record in records}
    return [by_step[step] for step in sorted(by_step)]


def write_records(path: Path, records: list[Record]) -> None:
    """Write one or more records, by ascending step."""
    write_json(path, {**records[-1], "history": records[:-1]})
