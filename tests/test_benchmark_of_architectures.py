"""What `benchmarks/architectures.py` says of an architecture is what it timed, and its JSON is a table of the docs."""

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.architectures import EXTENSIONS, main, make_table, measure

from catscale.model.table import ARCHITECTURES
from tests.unchecked import unchecked

SMALL = ["--preset", "tiny", "--vocabulary", "64", "--sentences", "2", "--length", "4", "--rounds", "2"]


class Model:
    """A model of three parameters."""

    def parameters(self) -> list[Any]:
        return [unchecked(type("Three", (), {"numel": lambda self: 3}))()]


def test_a_ratio_is_that_of_the_medians(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: medians 2 and 3; rounds 1.5, 3 and 1.25."""
    times = iter([(2.0, 3.0), (1.0, 3.0), (8.0, 10.0)])
    monkeypatch.setattr("benchmarks.architectures.time_both", lambda *_: next(times))
    row = measure("routed", unchecked(Model()), unchecked(Model()), unchecked([0, 1]), 3)
    assert row == {
        "architecture": "routed", "parameters": 3, "plain": 2, "seconds": 3, "ratio": 1.5, "lowest": 1.25, "highest": 3,
    }  # fmt: skip
    assert make_table([row], "so")["lines"] == [["`routed`", "3", "2.00", "3.00", "1.500", "1.250 to 3.000"]]


def test_every_architecture_has_a_row(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    main([*SMALL, "--json", str(path)])
    content = json.loads(path.read_text())
    rows = {row["architecture"]: row for row in content["rows"]}
    assert set(rows) == set(ARCHITECTURES) - {"pretrained"} | set(EXTENSIONS)
    assert all(0 < row["lowest"] <= row["highest"] for row in rows.values())
    assert rows["routed"]["parameters"] > rows["m2m100"]["parameters"]
    assert "rounds" in content["note"]
