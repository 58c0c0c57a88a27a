"""The tables before and after training: on the terminal, on the page, and where there is nothing to show."""

import re
from dataclasses import replace

import pytest

from catscale.comparison.result import ComparedMethod, Difference, Forgetting, Row
from catscale.report.document import read_asset
from catscale.report.forgetting_tables import list_lines, print_forgetting, write_forgetting
from tests.report.test_terminal_table import COMPARISON, cells

LOST = Difference(-3.25, (-4.0, -2.5), 0.3, 0.001, 0.002, 0.01, True)
KEPT = Difference(0.05, (-0.5, 0.6), None, 0.6, 0.6, 1.0, False)


def rows_of(metric: str = "bleu") -> list[Row]:
    table = {
        "en-fr": (30.0, 26.75, LOST),
        "old": (30.0, 26.75, LOST),
        "en-gl": (0.5, 12.0, KEPT),
        "new": (0.5, 12.0, KEPT),
    }
    found = []
    for over, (before, after, change) in table.items():
        found.append(Row(metric, over, "before", [before], before, None, (before - 1, before + 1)))
        found.append(Row(metric, over, "[bold]", [after - 1, after + 1], after, 1.4, (after - 1, after + 1), change))
    return found


FOUND = Forgetting(["en-fr"], ["en-gl"], "runs/a", [*rows_of(), *rows_of("chrf")], "before", 4)
WHOLE = replace(COMPARISON, forgetting=FOUND)


def test_lines_are_old_directions_their_average_new_ones_and_theirs() -> None:
    assert list_lines(FOUND) == [
        ("en-fr", "en-fr"), ("old", "average, old"), ("en-gl", "en-gl (new)"), ("new", "average, new")
    ]  # fmt: skip
    alone = replace(FOUND, new=[], rows=[row for row in FOUND.rows if row.over in ("en-fr", "old")])
    assert list_lines(alone) == [("en-fr", "en-fr"), ("old", "average, old")]


def test_the_terminal_has_values_differences_and_marks(capsys: pytest.CaptureFixture[str]) -> None:
    print_forgetting(WHOLE, "bleu")
    out = capsys.readouterr().out
    assert "BLEU before and after training, test set" in out
    assert cells(out, "en-fr") == ["en-fr", "30.0", "26.8 ±1.4 (−3.2 ±0.3*)"]
    assert cells(out, "en-gl")[1:] == ["0.5", "12.0 ±1.4 (+0.1)"]
    assert "at 5% by paired bootstrap over sentences alone, after Holm's correction for 4" in out
    assert "[bold]" in out


def test_a_narrow_terminal_breaks_the_cells(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catscale.report.forgetting_tables.find_width", lambda: 40)
    print_forgetting(WHOLE, "bleu")
    out = capsys.readouterr().out
    assert cells(out, "en-fr")[2] == "26.8 ±1.4"
    assert "(−3.2 ±0.3*)" in out


def test_nothing_is_shown_where_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    print_forgetting(COMPARISON, "bleu")
    print_forgetting(WHOLE, "nll")
    assert capsys.readouterr().out == ""
    assert write_forgetting(COMPARISON) == ""
    without = replace(COMPARISON, forgetting=Forgetting(["en-fr"], ["en-gl"], reason="it was not scored; run `x`"))
    print_forgetting(without, "bleu")
    assert capsys.readouterr().out == "before and after training: not compared, for it was not scored; run `x`\n"
    assert write_forgetting(without) == ""


def test_the_page_has_a_table_per_metric_with_marks() -> None:
    page = write_forgetting(WHOLE)
    assert page.count("<table>") == 2
    assert page.count("<details open>") == 1
    assert "<summary>BLEU</summary>" in page
    assert '<td data-method="0">26.8<small class="worse"' in page
    assert "▼" in page
    assert "<td>30.0</td>" in page
    assert '<th scope="row">en-gl (new)</th>' in page
    assert "after Holm&#x27;s correction for 4." in page


def test_the_page_sets_averages_apart_and_nothing_else() -> None:
    """The style sheet puts a line above every second body, and its row's name in italics."""
    names = [re.findall(r'<th scope="row">([^<]+)', part) for part in write_forgetting(WHOLE).split("<tbody>")[1:5]]
    assert names == [["en-fr"], ["average, old"], ["en-gl (new)"], ["average, new"]]
    assert "tbody:nth-of-type(even) > tr:first-child > *" in read_asset("report.css")


def test_too_few_resamples_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    few = replace(WHOLE, resamples=60)
    told = "with 60 resamples none can be significant: the least p-value, 1/61, times 4 is 0.066; give --resamples 80"
    assert told in write_forgetting(few)
    print_forgetting(few, "bleu")
    assert told in capsys.readouterr().out
    assert "none can be" not in write_forgetting(replace(WHOLE, resamples=80))


def test_a_method_that_was_not_compared_has_no_column() -> None:
    methods = [ComparedMethod("other", [1], ["x"]), *COMPARISON.methods]
    page = write_forgetting(replace(WHOLE, methods=methods))
    assert 'data-method="1"' in page
    assert "other" not in page
    holes = replace(FOUND, rows=[row for row in FOUND.rows if (row.over, row.method) != ("en-gl", "before")])
    assert "<td>–</td>" in write_forgetting(replace(WHOLE, forgetting=holes))


def test_long_names_are_numbers_as_in_the_other_table(capsys: pytest.CaptureFixture[str]) -> None:
    name = "T=5 pretrained=nllb-200-distilled-600M"
    rows = [replace(row, method=name if row.method == "[bold]" else row.method) for row in FOUND.rows]
    methods = [ComparedMethod("other", [1], ["x"]), ComparedMethod(name, [1], ["y"])]
    print_forgetting(replace(WHOLE, methods=methods, forgetting=replace(FOUND, rows=rows)), "bleu")
    head = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("┃"))
    assert [cell.strip() for cell in head.strip("┃").split("┃")] == ["direction", "before", "(2)"]
