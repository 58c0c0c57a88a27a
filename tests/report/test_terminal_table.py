from dataclasses import replace

import pytest

from catscale.comparison.result import ComparedDirection, ComparedMethod, Comparison, Difference, Row
from catscale.errors import ConfigError
from catscale.report.terminal_table import (
    explain,
    find_best,
    format_cell,
    format_pairs,
    format_value,
    print_comparison,
    print_scores,
)
from tests.report.runs import RUN

BETTER = Difference(1.25, (0.5, 2.0), 0.3, 0.001, 0.002, 0.01, True, 0.002, 0.002)
COMPARISON = Comparison(
    "CATS is better.", "[bold]", "the only plain temperature among the runs", "test",
    [ComparedMethod("[bold]", [1, 2], ["a", "b"], 5.0), ComparedMethod("[/x]", [1, 2], ["c", "d"])],
    [ComparedDirection("en-az", 500, "low", 100), ComparedDirection("en-fr", 130_000, "high", 100)],
    [
        Row("bleu", "en-az", "[bold]", [10.0, 11.0], 10.5, 0.707, (9.0, 12.0)),
        Row("bleu", "en-az", "[/x]", [11.0, 12.5], 11.75, 1.061, (10.0, 13.0), BETTER),
        Row("bleu", "en-fr", "[bold]", [40.0, 40.0], 40.0, 0.0, (39.0, 41.0)),
        Row("bleu", "en-fr", "[/x]", [39.0, 39.2], 39.1, 0.141, (38.0, 40.0),
            replace(BETTER, mean=-0.9, significant=False)),
        Row("bleu", "all", "[bold]", [25.0, 25.5], 25.25, 0.4, (25.0, 26.0)),
        Row("bleu", "all", "[/x]", [26.0, 27.0], 26.5, 0.7, (26.0, 27.0), BETTER),
        Row("bleu", "low", "[bold]", [10.0, 11.0], 10.5, 0.707, (9.0, 12.0)),
        Row("bleu", "low", "[/x]", [11.0, 12.5], 11.75, 1.061, (10.0, 13.0), BETTER),
    ],
    12_000, 1, 3, ["training.max_steps: 1 in a; 2 in b"],
)  # fmt: skip


def cells(text, name):
    line = next(line for line in text.splitlines() if line.startswith("│") and line.split()[1] == name)
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_formats():
    assert (format_value(12.345, "bleu"), format_value(1.23456, "nll")) == ("12.3", "1.235")
    assert (format_pairs(130_000), format_pairs(None)) == ("130,000", "")


def test_a_cell_has_mean_spread_difference_and_mark():
    rows = COMPARISON.rows
    assert [format_cell(row) for row in rows[:4]] == [
        "10.5 ±0.7", "11.8 ±1.1 (+1.2 ±0.3*)", "40.0 ±0.0", "39.1 ±0.1 (−0.9 ±0.3)"
    ]  # fmt: skip
    assert format_cell(replace(rows[1], std=None, difference=replace(BETTER, seed_std=None))) == "11.8 (+1.2*)"
    assert format_cell(replace(rows[1], metric="nll", difference=replace(BETTER, mean=-0.0124))) == (
        "11.750 ±1.061 (−0.012 ±0.300*)"
    )


def test_the_table_and_what_stands_below_it(capsys):
    print_comparison(COMPARISON)
    found = capsys.readouterr().out
    assert found.startswith("BLEU on the test set")
    assert cells(found, "en-az") == ["en-az", "500", "10.5 ±0.7", "11.8 ±1.1 (+1.2 ±0.3*)"]
    assert cells(found, "low-resource")[:2] == ["low-resource", ""]
    assert found.index("en-az") < found.index("en-fr") < found.index("low-resource")
    for line in explain(COMPARISON):
        assert line in found


def test_names_of_methods_are_no_markup(capsys):
    print_comparison(COMPARISON)
    found = capsys.readouterr().out
    assert "[bold]" in found
    assert "[/x]" in found


def test_what_the_numbers_mean():
    first, *rest = explain(COMPARISON)
    assert first == (
        "mean ± std over seeds (difference to [bold] ± its own); * significant at 5% over seeds and sentences, after "
        "Holm's correction for 3"
    )
    assert rest == [
        "baseline: [bold], the only plain temperature among the runs",
        "warning: training.max_steps: 1 in a; 2 in b",
        "",
        "[/x] against [bold]: BLEU +1.2 [+0.5, +2.0] over all directions. Significantly better on the averages over "
        "all and low-resource directions and on en-az, worse nowhere.",
        "2 seeds each; in brackets a 95% interval over sentences and seeds; significance is after the correction for 3 "
        "comparisons.",
    ]
    single = replace(COMPARISON, methods=[replace(method, seeds=[1]) for method in COMPARISON.methods])
    assert explain(single)[0] == "mean (difference to [bold]); no difference is marked: one seed decides nothing"


def test_a_metric_that_was_not_measured():
    with pytest.raises(ConfigError, match=r"there is no chrF to compare: training\.max_steps.*choose another --metric"):
        print_comparison(COMPARISON, "chrf")


def test_one_run_s_scores(capsys):
    print_scores(RUN, "test")
    found = capsys.readouterr().out
    assert cells(found, "en-az") == ["en-az", "500", "3.100", "10.0", "30.0"]
    assert cells(found, "low-resource") == ["low-resource", "", "3.000", "11.0", "31.0"]
    assert "mid-resource" not in found
    assert found.index("en-az") < found.index("en-be") < found.index("en-fr") < found.index("all")


@pytest.mark.parametrize(
    ("values", "metric", "expected"),
    [([1.0, 3.0, 2.0], "bleu", 1), ([1.0, 3.0, 2.0], "nll", 0), ([2.0, 2.0], "chrf", 0), ([2.0, 2.0], "nll", 0),
     ([5.0], "bleu", None), ([], "bleu", None)],
)  # fmt: skip
def test_the_best(values, metric, expected):
    assert find_best(values, metric) == expected


@pytest.mark.parametrize("width", [200, 80, 60])
def test_the_table_fits_its_terminal(capsys, monkeypatch, width):
    """Cells break before the difference, never within a number, and methods that do not fit stand in a table below."""
    monkeypatch.setattr("catscale.report.terminal_table.find_width", lambda: width)
    names = ["[bold]", "[/x]", "a rather long name", "cats_sampling"]
    rows = [
        replace(row, method=name) if name not in ("[bold]", "[/x]") else row
        for row in COMPARISON.rows
        for name in ([row.method] if row.method == "[bold]" else names[1:])
    ]
    methods = [COMPARISON.methods[0], *(replace(COMPARISON.methods[1], name=name) for name in names[1:])]
    print_comparison(replace(COMPARISON, methods=methods, rows=rows))
    table = [line for line in capsys.readouterr().out.splitlines() if line and line[0] in "┏┃┡│├└"]
    assert max(map(len, table)) <= width
    cells = [cell.strip() for line in table if line[0] == "│" for cell in line.strip("│").split("│")]
    whole = "11.8 ±1.1 (+1.2 ±0.3*)"
    assert cells.count(whole) == (6 if width == 200 else 0)
    assert cells.count("(+1.2 ±0.3*)") == (0 if width == 200 else 9)
    assert not [cell for cell in cells if cell.count("(") != cell.count(")")]
    assert sum(line.startswith("┏") for line in table) == {200: 1, 80: 2, 60: 3}[width]
