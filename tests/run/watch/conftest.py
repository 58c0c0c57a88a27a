import json

import pytest

from tests.comparison.fakes import write_run


@pytest.fixture
def sweep(tmp_path):
    """A run that is scored, one that is half done, and one that is planned."""
    root = tmp_path / "sweep"
    training = {"max_steps": 12, "seed": 1}
    for method in ("T=1", "T=5"):
        write_run(root / method / "seed-1", steps=12, dev=0.5, sentences=5, training=training)
    (root / "T=5" / "seed-1" / "scores.json").unlink()
    lines = (root / "T=5" / "seed-1" / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1]) | {"kind": "valid", "step": 6, "time": 30.0, "mean": 2.5, "nll": {"en-az": 2.5}}
    (root / "T=5" / "seed-1" / "metrics.jsonl").write_text(json.dumps(last) + "\n")
    (root / "T=5" / "seed-2.yaml").write_text("data: {}\n")
    return root
