"""`metrics.jsonl`: one JSON object per line, cut back to the last checkpoint when a run is continued."""

import json
import os
from collections.abc import Mapping, Sequence
from io import RawIOBase
from pathlib import Path
from typing import Any

from catscale.errors import CheckpointError
from catscale.system.reading.json_file import Limits, parse_json
from catscale.system.reading.regular_file import MEBIBYTE, read_regular
from catscale.system.reading.schema import check
from catscale.system.writing.files import append_to, user_errors
from catscale.system.writing.json_values import replace_nonfinite
from catscale.training.records.schemas import RECORDS, MetricsRecord

MOST = 2048 * MEBIBYTE
"""The most bytes of `metrics.jsonl`."""
LINE = Limits(32 * MEBIBYTE, 2_000_000)


class MetricsLog:
    """Appends records; `size` is part of a checkpoint, so that what came after it can be cut off.

    Args:
        path: The file; made when missing. None where another process writes.
        size: The number of bytes to keep of an existing one.
    """

    def __init__(self, path: Path | None, size: int = 0) -> None:
        self.path = path or Path(os.devnull)
        self._file: RawIOBase | None = None
        if path is None:
            return
        self._file = append_to(path, size)  # unbuffered: nothing stays behind that the disk had no room for

    def write(self, **record: Any) -> None:
        """Append a record and hand it to the operating system."""
        if self._file is None:
            return
        line = memoryview(json.dumps(replace_nonfinite(record), ensure_ascii=False).encode() + b"\n")
        with user_errors("write", self.path):
            while line:  # a disk that fills up takes a part
                line = line[self._file.write(line) :]

    def size(self) -> int:
        """Return the number of bytes written, which are safely on the disk."""
        if self._file is None:
            return 0
        with user_errors("write", self.path):
            os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read all records; a last line that a crash cut short is left out.

    Raises:
        CheckpointError: If another line is no record, naming it.
    """
    with user_errors("read", path):
        *lines, last = read_regular(path, MOST).split(b"\n")
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(parse_record(line))
        except ValueError as error:
            raise CheckpointError(
                f"{path}, line {number} is not a record ({error}), found {line[:60]!r}; restore the file, or, "
                "where the run is not finished, continue it: what a crash left is cut off"
            ) from error
    try:
        return [*records, parse_record(last)]
    except ValueError:
        return records


def parse_record(line: bytes) -> dict[str, Any]:
    """Parse the record of a line.

    Raises:
        ValueError: If it is none.
    """
    record = parse_json(line, LINE)
    kind = record.get("kind") if isinstance(record, dict) else None
    check(record, RECORDS.get(kind, MetricsRecord) if isinstance(kind, str) else MetricsRecord)
    found: dict[str, Any] = record
    return found


def select_analyses(records: Sequence[Mapping[str, Any]], split: str | None = None) -> list[dict[str, Any]]:
    """Return the analyses that a run made while it trained, as `analysis.json` would hold them.

    Args:
        records: The records of `metrics.jsonl`.
        split: "train" or "dev", the data that they were measured on; None for both.
    """
    live = [record for record in records if record.get("kind") == "analysis"]
    return [
        {"step": record["step"], **{key: value for key, value in record.items() if key not in ("kind", "step", "time")}}
        for record in live
        if split is None or record.get("settings", {}).get("split", "train") == split
    ]


def validation_scores(records: Sequence[Mapping[str, Any]], select_by: str = "mean") -> dict[int, float]:
    """Step → the validation NLL that chooses the best model, ascending by step.

    Args:
        records: The records of `metrics.jsonl`.
        select_by: `training.select_by`.
    """
    found = {}
    for record in (record for record in records if record.get("kind") == "valid"):
        step, nll = record.get("step"), record.get("nll")
        value = record.get("mean") if select_by == "mean" else nll.get(select_by) if isinstance(nll, Mapping) else None
        if isinstance(step, int) and isinstance(value, int | float):  # null where it was not finite
            found[step] = float(value)
    return found


def find_best_step(records: Sequence[Mapping[str, Any]], select_by: str = "mean") -> int | None:
    """Step of the model in `best`: the first of the lowest validation NLL; None before the first validation.

    Example:
        >>> find_best_step([{"kind": "valid", "step": s, "mean": m} for s, m in ((5, 3.0), (10, 2.5), (15, 2.5))])
        10
    """
    scores = validation_scores(records, select_by)
    return min(scores, key=lambda step: scores[step], default=None)
