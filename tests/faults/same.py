"""Whether a run that had an accident is the run that had none."""

import json
import re
from pathlib import Path
from typing import Any

from tests.run_records import metrics

CONVERTED = "ctranslate2"
"""Kept by whoever translates, not by a training."""


def state(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint holds beside tensors, without what a clock says."""
    content = json.loads((checkpoint / "state.json").read_text())
    del content["metrics_size"], content["progress"]["seconds"], content["progress"]["window"]["seconds"]
    return content


def assert_same_run(found: Path, expected: Path) -> None:
    """Parameters, optimiser, task weights, sampler and stream bit for bit, metrics, the folders, and nothing beside."""
    assert metrics(found) == metrics(expected)
    names = [{str(p.relative_to(run)) for p in run.rglob("*")} for run in (found, expected)]
    assert {name for name in names[0] ^ names[1] if not name.startswith(CONVERTED)} == set()
    for checkpoint in sorted((expected / "checkpoints").iterdir()):
        mine = found / "checkpoints" / checkpoint.name
        assert state(mine) == state(checkpoint)
        for name in ("model.safetensors", "state.safetensors"):
            assert (mine / name).read_bytes() == (checkpoint / name).read_bytes(), f"{checkpoint.name}/{name}"
    for path in sorted((expected / "best").iterdir()):
        assert (found / "best" / path.name).read_bytes() == path.read_bytes(), path.name
    for name in ("config.yaml", "environment.json"):
        assert (found / name).read_bytes() == (expected / name).read_bytes(), name


def steps_lost(before: str, after: str) -> int:
    """Steps that a command said it had taken when it was killed, beyond the one that the next command went on from."""
    taken = [int(found) for found in re.findall(r"^step (\d+) ", before, re.MULTILINE)]
    went_on = re.search(r"continuing at step (\d+)", after)
    return max(taken, default=0) - (int(went_on.group(1)) if went_on else 0)
