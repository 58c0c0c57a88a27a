import pytest

from catscale.report.comparison import best_of, compare_scores

from .runs import RUNS, run


def test_directions_go_from_the_smallest_to_the_largest():
    rows, groups = compare_scores(RUNS, "bleu")
    assert [(row.name, row.pairs) for row in rows] == [("en-az", 500), ("en-be", 4_000), ("en-fr", 130_000)]
    assert rows[0].values == [10.0, 13.5]
    assert [(row.name, row.pairs) for row in groups] == [("all", None), ("low-resource", None), ("high-resource", None)]
    assert groups[1].values == [11.0, 13.0]


@pytest.mark.parametrize(("metric", "expected"), [("bleu", 10.0), ("chrf", 30.0), ("nll", 3.1)])
def test_every_metric(metric, expected):
    assert compare_scores(RUNS, metric)[0][0].values[0] == expected


def test_a_direction_that_one_run_lacks():
    lacking = {name: dict(scores) for name, scores in RUNS.items()}
    del lacking["CATS"]["en-be"]
    rows, _ = compare_scores(lacking, "bleu")
    assert rows[1].values == [12.0, None]


@pytest.mark.parametrize(
    ("values", "metric", "expected"),
    [([1.0, 3.0, 2.0], "bleu", 1), ([1.0, 3.0, 2.0], "nll", 0), ([2.0, 2.0], "chrf", 0), ([2.0, 2.0], "nll", 0),
     ([None, 1.0, 2.0], "nll", 1), ([None, 1.0], "bleu", None), ([5.0], "bleu", None), ([], "bleu", None)],
)  # fmt: skip
def test_the_best(values, metric, expected):
    assert best_of(values, metric) == expected


def test_a_run_of_other_directions_has_empty_cells():
    other = run({"en-az": (500, 9.0)}, low=9.0)
    rows, groups = compare_scores({"a": RUNS["T=5"], "b": other}, "bleu")
    assert [row.values[1] for row in rows] == [9.0, None, None]
    assert [row.values[1] for row in groups] == [9.0, 9.0, None]
