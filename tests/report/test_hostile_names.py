"""Names of methods and languages that hold control sequences, markup, elements and formulas, in all that is drawn."""

import csv
import json
import random
import re

import pytest

from catscale.report import history, report
from catscale.report.analysis_table import print_analysis
from catscale.report.terminal_table import print_comparison, print_scores
from catscale.system.console.safe_text import for_terminal
from tests.report import fakes
from tests.report.fakes import make_comparison
from tests.report.runs import run

EVIL = (
    "\x1b[31m[red]\x00",
    "[/]\u202e:smile:",
    "<script>alert(1)</script>\ufffe",
    "=1+1\ud800",
    "\t@SUM(A1)",
    "\x9b2J\u2028",
)
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff\ufffe]")


def read_unchecked(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def comparison(tmp_path, monkeypatch):
    monkeypatch.setattr(fakes, "CODES", [*EVIL, "pt", "ru"])
    monkeypatch.setattr(history, "read_metrics", read_unchecked)  # which would refuse them
    methods = {EVIL[0]: 1.0, EVIL[1]: 5.0, EVIL[2]: None, EVIL[3]: None}
    return make_comparison(tmp_path / "runs", methods, seeds=1, steps=64, analysis=False)


def test_the_report_is_drawn_and_holds_none_of_it(comparison, tmp_path, capsys):
    report.write_report(comparison, tmp_path / "out", print, title=EVIL[0], lead=EVIL[2])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    bundle = page.index("<script>"), page.index("</script>")  # the drawing library's own
    page = page[: bundle[0]] + page[bundle[1] :]
    assert not UNSAFE.findall(page)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    for path in (tmp_path / "out").rglob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert not UNSAFE.findall(text)
        assert "<script" not in text
    for path in (tmp_path / "out").rglob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                assert not [cell for cell in row if cell.startswith(("=", "@", "\t", "\r"))]
                assert not [cell for cell in row if UNSAFE.search(cell)]


def test_the_terminal_is_left_alone(comparison, capsys):
    print_comparison(comparison)
    print_scores(run({f"en-{name}": (100, 10.0) for name in EVIL}, low=1.0, high=2.0), EVIL[0])
    record = fakes.make_analysis(comparison.directions, 5, random.Random(1))
    curvature = {name: entry | {"fisher_error": 1.0} for name, entry in record["curvature"].items()}
    total = record["total"] | {"fisher_error": 1.0}
    changes = {"step": EVIL[0], "curvature": curvature, "curvature_groups": {EVIL[1]: curvature}, "total": total}
    print_analysis(record | changes)
    out = capsys.readouterr().out
    assert all(line == for_terminal(line) for line in out.split("\n"))
    for seen in ("[red]", "[/]", ":smile:", "\\x1b[31m", "\\x9b2J"):
        assert seen in out
