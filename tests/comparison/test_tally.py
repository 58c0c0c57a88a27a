"""Rows against a slow computation from the same draws."""

import numpy as np
import pytest
from scipy.stats import t as student

from catscale.comparison.correction import holm
from catscale.comparison.resampling import bootstrap, interval, p_sacrebleu, p_two_sided
from catscale.comparison.result import Method
from catscale.comparison.segments import nll_statistics
from catscale.comparison.tally import Tally

METHODS = [Method("T=5", [1, 2], ["a", "b"], 5.0), Method("new", [1, 2], ["c", "d"]), Method("one", [1], ["e"])]
MEMBERS = [[0, 1], [2, 3], [4]]
ORDER = ["en-az", "en-be", "en-fr", "all", "low", "high"]


def direction(seed, sentences):
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, 9, sentences).astype(float)
    quality = np.array([3, 3.1, 2.4, 2.6, 3])[:, None]
    return [nll_statistics([np.stack([run, tokens], 1) for run in tokens * rng.gamma(9, quality / 9, (5, sentences))])]


DATA = {"en-az": direction(0, 40), "en-be": direction(1, 50), "en-fr": direction(2, 60)}
GROUPS = {"en-az": "low", "en-be": "low", "en-fr": "high"}


@pytest.fixture(scope="module")
def tallied():
    tally = Tally(METHODS, MEMBERS, "T=5", 400, 7)
    for name, statistics in DATA.items():
        tally.add(name, GROUPS[name], statistics)
    return tally.rows(ORDER)


def draws_of(name):
    return bootstrap(DATA[name], MEMBERS, np.random.default_rng([7, *name.encode()]), 400)[0]


def find(rows, over, method):
    (row,) = [row for row in rows if (row.over, row.method) == (over, method)]
    return row


def test_every_row_once_in_the_order_of_the_table(tallied):
    rows, comparisons = tallied
    assert [(row.over, row.method) for row in rows] == [(over, m.name) for over in ORDER for m in METHODS]
    assert comparisons == 12
    assert all((row.difference is None) == (row.method == "T=5") for row in rows)


@pytest.mark.parametrize("over", ORDER)
def test_values_and_bootstrap(tallied, over):
    names = [name for name in DATA if over in (name, GROUPS[name], "all")]
    values = np.mean([DATA[name][0].corpus_scores() for name in names], axis=0)
    draws = np.mean([draws_of(name) for name in names], axis=0)
    base = values[[0, 1]].mean()
    for i, (method, members) in enumerate(zip(METHODS, MEMBERS, strict=True)):
        row = find(tallied[0], over, method.name)
        assert row.values == pytest.approx(values[members])
        assert row.mean == pytest.approx(values[members].mean())
        assert row.std == (None if len(members) == 1 else pytest.approx(np.std(values[members], ddof=1)))
        assert row.interval == pytest.approx(interval(draws[:, i]))
        if row.difference:
            compared = draws[:, i] - draws[:, 0]
            assert row.difference.mean == pytest.approx(values[members].mean() - base)
            assert row.difference.interval == pytest.approx(interval(compared))
            assert row.difference.p_two_sided == pytest.approx(p_two_sided(compared, row.mean - base))
            assert row.difference.p_bootstrap == pytest.approx(p_sacrebleu(compared, row.mean - base))
            assert (row.difference.p_randomisation is None) == (over not in DATA)


def test_seeds_are_paired_where_both_have_the_same(tallied):
    values = DATA["en-az"][0].corpus_scores()
    found = find(tallied[0], "en-az", "new").difference
    assert found.seed_std == pytest.approx(np.std(values[[2, 3]] - values[[0, 1]], ddof=1))
    assert find(tallied[0], "en-az", "one").difference.seed_std is None


def test_seeds_that_are_not_the_same_add_their_variances():
    methods = [METHODS[0], Method("new", [3, 4], ["c", "d"])]
    tally = Tally(methods, [[0, 1], [2, 3]], "T=5", 50, 7)
    tally.add("en-az", "low", DATA["en-az"])
    rows, _ = tally.rows(["en-az", "all", "low"])
    values = DATA["en-az"][0].corpus_scores()
    expected = np.hypot(np.std(values[:2], ddof=1), np.std(values[2:4], ddof=1))
    assert find(rows, "en-az", "new").difference.seed_std == pytest.approx(expected)


@pytest.mark.parametrize("over", ORDER)
def test_seeds_count_in_what_decides(tallied, over):
    """A t-test of the means with the variance over sentences added, by scipy's quantiles."""
    names = [name for name in DATA if over in (name, GROUPS[name], "all")]
    values = np.mean([DATA[name][0].corpus_scores() for name in names], axis=0)
    draws = np.mean([draws_of(name) for name in names], axis=0)
    pooled = (np.var(values[:2], ddof=1) + np.var(values[2:4], ddof=1)) / 2
    for i, (method, members) in enumerate(zip(METHODS, MEMBERS, strict=True)):
        if found := find(tallied[0], over, method.name).difference:
            of_seeds = pooled * (1 / len(members) + 1 / 2)
            total = of_seeds + np.var(draws[:, i] - draws[:, 0])
            freedom = 2 * total / of_seeds
            assert found.p_seeds == pytest.approx(2 * student.sf(abs(found.mean) / total**0.5, freedom))
            half = student.ppf(0.975, freedom) * total**0.5
            assert found.interval_seeds == pytest.approx((found.mean - half, found.mean + half))
            assert (found.p_decisive, found.widest) == (found.p_seeds, found.interval_seeds)


def test_with_one_seed_each_sentences_decide():
    tally = Tally([METHODS[0], METHODS[2]], [[0], [4]], "T=5", 400, 7)
    tally.add("en-az", "low", DATA["en-az"])
    found = find(tally.rows(["en-az", "all", "low"])[0], "en-az", "one").difference
    assert (found.p_seeds, found.interval_seeds) == (None, None)
    assert (found.p_decisive, found.widest) == (found.p_two_sided, found.interval)


def test_all_comparisons_of_the_table_are_corrected_together(tallied):
    differences = [row.difference for row in tallied[0] if row.difference]
    expected = holm([difference.p_seeds for difference in differences])
    assert [difference.p_corrected for difference in differences] == expected
    assert [difference.significant for difference in differences] == [p < 0.05 for p in expected]
    assert any(difference.significant for difference in differences)
    assert not all(difference.significant for difference in differences)


def test_the_randomisation_leaves_seeds_without_a_partner_out(tallied):
    """One seed against two: run e against run a alone."""
    alone = Tally([METHODS[0], METHODS[2]], [[0], [4]], "T=5", 400, 7)
    statistics = DATA["en-az"]
    alone.add("en-az", "low", statistics)
    expected = find(alone.rows(["en-az", "all", "low"])[0], "en-az", "one").difference.p_randomisation
    assert find(tallied[0], "en-az", "one").difference.p_randomisation == expected


def test_a_direction_s_numbers_do_not_depend_on_the_others(tallied):
    tally = Tally(METHODS, MEMBERS, "T=5", 400, 7)
    tally.add("en-fr", "high", DATA["en-fr"])
    row = find(tally.rows(["en-fr", "all", "high"])[0], "en-fr", "new")
    other = find(tallied[0], "en-fr", "new")
    assert (row.interval, row.difference.p_two_sided) == (other.interval, other.difference.p_two_sided)
