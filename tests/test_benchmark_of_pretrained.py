"""The measurement of memory and time trains what it says, and runs in processes of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.pretrained import QUICK, SIZES, WAYS, build, describe, make_table, measure

pytest.importorskip("peft", reason="PEFT is not installed")
SCRIPT = Path(__file__).parents[1] / "benchmarks" / "pretrained.py"


@pytest.mark.parametrize("name", WAYS)
def test_every_way_trains_what_it_says(name):
    found = measure(WAYS[name], QUICK, 64)
    width, rows = QUICK["d_model"], QUICK["vocabulary"]
    if WAYS[name].adapters:
        assert found["trained"] == QUICK["layers"] * 6 * 16 * 2 * width
    else:
        assert found["parameters"] - found["trained"] == (rows * width if WAYS[name].freeze else 0)
    assert len(found["seconds"]) == 3
    assert describe(name, found).startswith(name)


def test_the_sizes_are_those_of_the_model_of_600_million():
    def count(sizes):
        attention, ffn = 4 * (sizes["d_model"] + 1) * sizes["d_model"], 2 * sizes["d_model"] * sizes["ffn"]
        feed_forward = ffn + sizes["ffn"] + sizes["d_model"]
        norms = 2 * sizes["d_model"] * (2 + 3)
        pair = 3 * attention + 2 * feed_forward + norms
        return sizes["layers"] * pair + 4 * sizes["d_model"] + sizes["vocabulary"] * sizes["d_model"]

    assert count(SIZES) == 615_073_792
    model = build(WAYS["plain"], QUICK, QUICK["vocabulary"])
    assert sum(parameter.numel() for parameter in model.parameters()) == count(QUICK)


def test_the_table_shows_memory_and_the_spread_of_time():
    row = {"peak": 12.0 * 2**30, "seconds": [2.6, 1.4], "parameters": 12e6, "trained": 6e6}
    how = {"tokens": 64, "length": 8, "precision": "fp32", "threads": 1, "trimmed_rows": 40_000}
    how |= {"sizes": QUICK, "machine": "a machine", "torch": "2", "commit": None}
    table = make_table({"plain": row}, how)
    assert table["lines"] == [["plain", "12.0", "1 to 3", "12", "6.0"]]
    assert len(table["heads"]) == 5
    assert "trim leaves 40,000 of 500 rows;" in table["note"]


@pytest.mark.slow
def test_it_runs_in_processes_of_its_own(tmp_path):
    out = tmp_path / "out.json"
    command = [sys.executable, SCRIPT, "--quick", "--tokens", "64", "--json", out, "--only", "adapters"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "CPU s per step" in done.stdout
    assert json.loads(out.read_text())["rows"]["adapters"]["peak"] > 2**20
