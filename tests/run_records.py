"""The records of a run, and whether a continued run is the one that nothing stopped."""

import json
from pathlib import Path
from typing import Any

TIMES = ("time", "tokens_per_second")
"""What a clock says."""


def metrics(run: Path) -> list[dict[str, Any]]:
    """The records without what a clock says."""
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in record.items() if k not in TIMES} for record in records]


def assert_same_run(found: Path, expected: Path) -> None:
    assert metrics(found) == metrics(expected)
    for name in ("best", "checkpoints/step-24"):
        assert (found / name / "model.safetensors").read_bytes() == (expected / name / "model.safetensors").read_bytes()
    states = [(run / "checkpoints/step-24/state.safetensors").read_bytes() for run in (found, expected)]
    assert states[0] == states[1]
