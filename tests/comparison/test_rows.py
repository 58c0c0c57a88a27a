"""Rows against a slow computation from the same draws."""

import numpy as np
import pytest

from catscale.comparison.correction import holm
from catscale.comparison.resampling import bootstrap, interval, p_sacrebleu, p_two_sided
from catscale.comparison.result import ComparedMethod
from catscale.comparison.rows import Tally
from catscale.comparison.seeds import Seeds, judge
from tests.comparison.corpora import nll_statistics

METHODS = [
    ComparedMethod("T=5", [1, 2], ["a", "b"], 5.0),
    ComparedMethod("new", [1, 2], ["c", "d"]),
    ComparedMethod("one", [1], ["e"]),
]
MEMBERS = [[0, 1], [2, 3], [4]]
ORDER = ["en-az", "en-be", "en-fr", "all", "low", "high"]


def direction(seed, sentences):
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, 9, sentences).astype(float)
    quality = np.array([3, 3.1, 2.4, 2.6, 3])[:, None]
    alike = rng.gamma(9, 1 / 9, (3, sentences))[[0, 0, 1, 1, 2]]  # what a sentence does to all runs of a method
    nats = tokens * alike * rng.gamma(9, quality / 9, (5, sentences))
    return [nll_statistics([np.stack([run, tokens], 1) for run in nats])]


DATA = {"en-az": direction(0, 40), "en-be": direction(1, 50), "en-fr": direction(2, 60)}
GROUPS = {"en-az": "low", "en-be": "low", "en-fr": "high"}


@pytest.fixture(scope="module")
def tallied():
    tally = Tally(METHODS, MEMBERS, "T=5", 400, 7)
    for name, statistics in DATA.items():
        tally.add(name, GROUPS[name], statistics)
    return tally.rows(ORDER)


def draws_of(name):
    return bootstrap(DATA[name], MEMBERS, np.random.default_rng([7, *name.encode()]), 400)[0].draws


def find(rows, over, method):
    (row,) = [row for row in rows if (row.over, row.method) == (over, method)]
    return row


def test_every_row_once_in_the_order_of_the_table(tallied):
    rows, comparisons = tallied
    assert [(row.over, row.method) for row in rows] == [(over, m.name) for over in ORDER for m in METHODS]
    assert comparisons == 6  # those with two seeds on both sides
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
    methods = [METHODS[0], ComparedMethod("new", [3, 4], ["c", "d"])]
    tally = Tally(methods, [[0, 1], [2, 3]], "T=5", 50, 7)
    tally.add("en-az", "low", DATA["en-az"])
    rows, _ = tally.rows(["en-az", "all", "low"])
    values = DATA["en-az"][0].corpus_scores()
    expected = np.hypot(np.std(values[:2], ddof=1), np.std(values[2:4], ddof=1))
    assert find(rows, "en-az", "new").difference.seed_std == pytest.approx(expected)


def within(over):
    """What sentences do to single runs, by a slow computation from resampled test sets of each direction."""
    names, total = [name for name in DATA if over in (name, GROUPS[name], "all")], 0.0
    for name in names:
        (measured,) = DATA[name]
        count = measured.values.shape[1]
        places = np.random.default_rng([7, *name.encode()]).integers(count, size=(400, count))
        scores = np.array([[run[drawn, 0].sum() / run[drawn, 1].sum() for run in measured.values] for drawn in places])
        total = total + np.array([scores[:, pair] @ [1, -1] for pair in ([0, 1], [2, 3])]).var(1) / 2
    return total / len(names) ** 2


@pytest.mark.parametrize("over", ORDER)
def test_seeds_count_in_what_decides(tallied, over):
    names = [name for name in DATA if over in (name, GROUPS[name], "all")]
    values = np.mean([DATA[name][0].corpus_scores() for name in names], axis=0)
    draws = np.mean([draws_of(name) for name in names], axis=0)
    found, (base, new) = find(tallied[0], over, "new").difference, within(over)
    sentence_std = float((draws[:, 1] - draws[:, 0]).std())
    expected = judge(found.mean, sentence_std, Seeds.of(values[2:4], new), Seeds.of(values[:2], base))
    assert (found.p_seeds, *found.interval_seeds) == pytest.approx((expected[0], *expected[1]))
    assert (found.p_decisive, found.widest) == (found.p_seeds, found.interval_seeds)
    assert new > 0.1 * np.var(values[2:4], ddof=1)  # or nothing would be shown


@pytest.mark.parametrize("over", ORDER)
def test_one_seed_against_two_decides_nothing(tallied, over):
    found = find(tallied[0], over, "one").difference
    assert (found.p_seeds, found.interval_seeds, found.significant) == (None, None, False)
    assert not found.is_decidable


def test_who_else_is_in_the_table_changes_no_difference(tallied):
    """Noisier methods beside the two leave p-values and intervals as they are; only the correction counts them."""
    statistics = DATA["en-az"][0]
    noisy = np.stack([statistics.values[0] * [factor, 1] for factor in (0.2, 3, 0.5, 5)])
    more = [type(statistics)(statistics.metric, np.concatenate([statistics.values, noisy]), statistics.score)]
    others = [ComparedMethod("x", [1, 2], ["f", "g"]), ComparedMethod("y", [1, 2], ["h", "i"])]
    tally = Tally([*METHODS, *others], [*MEMBERS, [5, 6], [7, 8]], "T=5", 400, 7)
    tally.add("en-az", "low", more)
    found = find(tally.rows(["en-az", "all", "low"])[0], "en-az", "new").difference
    alone = find(tallied[0], "en-az", "new").difference
    assert (found.p_seeds, found.interval_seeds) == (alone.p_seeds, alone.interval_seeds)


def simulate(rng, methods, seeds, ratio, common, single):
    """NLL statistics of equal methods by sentence; the second one's seeds spread by `ratio` of the first one's."""
    sentences = 40
    stds = np.array([1.0, ratio, *rng.choice([1.0, 5.0], methods - 2)]) * 0.05
    runs = []
    for std in stds:
        shared = rng.normal(0, common * 0.05 * sentences**0.5, sentences)
        for _ in range(seeds):
            runs.append(5 + rng.normal(0, std) + shared + rng.normal(0, single * 0.05 * sentences**0.5, sentences))
    return [nll_statistics([np.stack([run, np.ones(sentences)], 1) for run in runs])]


@pytest.mark.parametrize(
    ("methods", "seeds", "ratio", "common", "single"),
    [(2, 2, 5, 0, 0), (2, 3, 1, 0, 2), (2, 3, 2, 1, 0), (3, 5, 2, 0.3, 1), (9, 3, 1, 0.3, 1)],
)
def test_of_equal_methods_one_in_twenty_differs_before_the_correction(methods, seeds, ratio, common, single):
    """From sentences to p-values; `common` moves all runs of a method alike, `single` each run by itself."""
    rng, found = np.random.default_rng([methods, seeds, ratio, int(10 * common), single]), []
    names = [ComparedMethod(str(i), list(range(seeds)), ["x"] * seeds) for i in range(methods)]
    members = [list(range(i * seeds, (i + 1) * seeds)) for i in range(methods)]
    for _ in range(400):
        tally = Tally(names, members, "0", 60, 7)
        tally.add("en-az", "low", simulate(rng, methods, seeds, ratio, common, single))
        found.append(find(tally.rows(["en-az", "all", "low"])[0], "en-az", "1").difference.p_seeds < 0.05)
    assert 0.015 <= np.mean(found) <= 0.085  # 0.03 to 0.07, and a standard error and a half of 400 tries


def clear_difference(seeds):
    """A difference of 1 nat between methods whose seeds move them by 0.01; `seeds` runs of each."""
    rng = np.random.default_rng(2)
    runs = [5 + gap + rng.normal(0, 0.01) + rng.normal(0, 0.1, 60) for gap in [0] * seeds + [-1] * seeds]
    methods = [ComparedMethod(name, list(range(seeds)), ["x"] * seeds) for name in ("T=5", "new")]
    tally = Tally(methods, [list(range(seeds)), list(range(seeds, 2 * seeds))], "T=5", 99, 7)
    tally.add("en-az", "low", [nll_statistics([np.stack([run, np.ones(60)], 1) for run in runs])])
    rows, comparisons = tally.rows(["en-az", "all", "low"])
    assert comparisons == 3
    return [row.difference for row in rows if row.difference]


def test_with_one_seed_each_nothing_is_significant():
    """The p-value over sentences is corrected and shown; it decides nothing on methods."""
    for found in clear_difference(1):
        assert (found.p_seeds, found.interval_seeds) == (None, None)
        assert (found.p_decisive, found.widest) == (found.p_two_sided, found.interval)
        assert found.p_corrected < 0.05
        assert not found.significant


def test_a_clear_difference_over_seeds_is_significant():
    assert all(found.significant for found in clear_difference(3))


def test_all_comparisons_of_the_table_are_corrected_together(tallied):
    """Those over seeds and those over sentences apart."""
    differences = [row.difference for row in tallied[0] if row.difference]
    decidable = [difference for difference in differences if difference.is_decidable]
    others = [difference for difference in differences if not difference.is_decidable]
    assert (len(decidable), len(others)) == (6, 6)
    for found in (decidable, others):
        assert [difference.p_corrected for difference in found] == holm([d.p_decisive for d in found])
    assert [d.significant for d in decidable] == [d.p_corrected < 0.05 for d in decidable]


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
