"""The measurement of memory and time runs, and extrapolates as it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.pretrained import LAYERS, QUICK, WAYS, describe, extrapolate, make_table, measure

pytest.importorskip("peft", reason="PEFT is not installed")
SCRIPT = Path(__file__).parents[1] / "benchmarks" / "pretrained.py"


@pytest.mark.parametrize("name", WAYS)
def test_every_way_trains_what_it_says(name):
    found = {pairs: measure(WAYS[name], pairs, QUICK, 64) for pairs in (1, 2)}
    width, rows = QUICK["d_model"], QUICK["vocabulary"]
    if WAYS[name].adapters:
        assert [found[pairs]["trained"] for pairs in (1, 2)] == [pairs * 6 * 16 * 2 * width for pairs in (1, 2)]
    else:
        frozen = rows * width if WAYS[name].freeze else 0
        assert found[1]["parameters"] - found[1]["trained"] == frozen
    row = extrapolate(found)
    assert row["extrapolated"]["parameters"] == measure(WAYS[name], LAYERS, QUICK, 64)["parameters"]
    assert describe(name, row).startswith(name)


def test_the_table_shows_what_was_extrapolated():
    few, many = ({"peak": n * 2**30, "seconds": n, "parameters": n * 1e6, "trained": n * 5e5} for n in (2.0, 12.0))
    how = {"tokens": 64, "length": 8, "precision": "fp32", "threads": 1, "trimmed_rows": 40_000, "extrapolated": "so"}
    how |= {"sizes": QUICK, "machine": "a machine", "torch": "2", "commit": None}
    table = make_table({"plain": {"measured": {"2": few}, "extrapolated": many}}, how)
    assert table["lines"] == [["plain", "12.0", "12", "12", "6.0", "2.0"]]
    assert len(table["heads"]) == 6
    assert "trim leaves 40,000 of 500 rows; extrapolated so;" in table["note"]


@pytest.mark.slow
def test_it_runs_in_processes_of_its_own(tmp_path):
    command = [
        sys.executable,
        SCRIPT,
        "--quick",
        "--tokens",
        "64",
        "--json",
        tmp_path / "out.json",
        "--only",
        "adapters",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "for 12 pairs of layers, extrapolated" in done.stdout
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["how"]["extrapolated"] == "linearly to 12 pairs of layers from measurements of 1 and 2"
    assert found["rows"]["adapters"]["measured"]["1"]["peak"] > 2**20
