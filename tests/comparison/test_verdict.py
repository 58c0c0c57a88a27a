"""The sentence says what the rows say, and no more."""

from dataclasses import replace

import pytest

from catscale.comparison.result import Comparison, Difference, Direction, Method, Row
from catscale.comparison.verdict import signed, state_verdict

REASON = "best of 3 temperatures by mean BLEU on the dev set: T=1 20.00, T=5 21.00, T=100 20.50"


def make(significant=(), seeds=(1, 2), **means):
    """A comparison of T=5 with methods whose BLEU differs by `means`, {over: difference}."""
    methods = [Method("T=5", list(seeds), ["x"] * len(seeds), 5.0)]
    methods += [Method(name, list(seeds), ["x"] * len(seeds), 1.0 if name == "T=1" else None) for name in means]
    rows = []
    overs = list(next(iter(means.values())))
    for over in overs:
        rows.append(Row("bleu", over, "T=5", [20.0], 20.0, 0.2, (19.0, 21.0)))
        for name, differences in means.items():
            mean, spread = differences[over], 0.4 if len(seeds) > 1 else None
            mark = (name, over) in significant
            difference = Difference(mean, (mean - 0.5, mean + 0.5), spread, 0.1, None, 0.01 if mark else 0.2, mark, 0.1)
            rows.append(Row("bleu", over, name, [20 + mean], 20 + mean, 0.2, (19.0, 21.0), difference))
    directions = [Direction("en-az", 500, "low", 100), Direction("en-fr", 9000, "high", 100)]
    count = sum(row.difference is not None for row in rows)
    return Comparison("", "T=5", REASON, "test", methods, directions, rows, 10_000, 1, count)


CATS = {"en-az": -0.3, "en-fr": 0.5, "all": 0.1, "low": -0.31, "high": 0.5}


def test_one_method_without_significance():
    assert state_verdict(make(CATS=CATS)) == (
        "CATS, against T=5 (best of 3 temperatures by mean BLEU on the dev set), 2 seeds: BLEU +0.1 ±0.4 [−0.4, +0.6] "
        "over all directions, −0.3 ±0.4 [−0.8, +0.2] on low-resource ones, +0.5 ±0.4 [0.0, +1.0] on high-resource "
        "ones; no difference in BLEU is significant after correcting for 5 comparisons; ± is the standard deviation of "
        "a difference over seeds, as large as the difference over all directions and on low-resource ones; intervals "
        "and significance are over sentences and seeds together."
    )


def test_what_is_significant_is_named_on_its_side():
    marks = [("CATS", "en-az"), ("CATS", "low"), ("CATS", "en-fr")]
    text = state_verdict(make(marks, CATS=CATS))
    assert (
        "significantly better on en-fr and worse on the average over low-resource directions, en-az after correcting "
        "for 5 comparisons"
    ) in text
    assert "no difference" not in text
    assert "significantly better on en-fr and worse nowhere" in state_verdict(make([("CATS", "en-fr")], CATS=CATS))


def test_one_seed_says_what_is_not_known():
    text = state_verdict(make(seeds=(1,), CATS=CATS))
    assert "one seed: BLEU" in text
    assert "one seed of CATS and T=5, so that what another seed would change is not known" in text


def test_one_seed_of_the_baseline_alone():
    """Two methods need not have as many seeds."""
    made = make(seeds=(1,), CATS=CATS)
    one, other = made.methods
    text = state_verdict(replace(made, methods=[one, replace(other, seeds=[1, 2, 3])]))
    assert ", 3 seeds against one: BLEU +0.1 [" in text
    assert "one seed of T=5, so that what another seed would change is not known: it decides nothing" in text
    assert ", one seed against 2: " in state_verdict(replace(made, methods=[replace(one, seeds=[1, 2]), other]))


def test_a_spread_below_the_difference_is_given_alone():
    text = state_verdict(make(CATS={"en-az": 2.0, "all": 2.0}))
    assert "; ± is the standard deviation of a difference over seeds; intervals and significance" in text


def test_a_spread_that_is_rounded_away_is_not_called_large():
    found = make(CATS={"en-az": 0.0, "all": 0.0})
    tiny = [
        replace(row, difference=row.difference and replace(row.difference, mean=0.01, seed_std=0.02))
        for row in found.rows
    ]
    assert "as large as" not in state_verdict(replace(found, rows=tiny))


def test_the_best_of_several_is_said_to_be_that():
    text = state_verdict(make(CATS=CATS, PCGrad={**CATS, "all": 0.7}))
    assert text.startswith("PCGrad, the highest BLEU of 2 methods, against T=5 (")


def test_another_temperature_that_is_better_is_named():
    better = dict.fromkeys(CATS, 1.0)
    text = state_verdict(make([("T=1", "all")], CATS=CATS, **{"T=1": better}))
    assert text.startswith("CATS, against T=5")
    assert text.endswith("; T=1 is significantly better than T=5, by +1.0 ±0.4.")


def test_temperatures_alone():
    assert state_verdict(make(**{"T=1": CATS})).startswith("T=1, against T=5")


def test_nothing_to_compare_with():
    alone = replace(make(CATS=CATS), methods=[Method("T=5", [1, 2], ["a", "b"], 5.0)])
    assert state_verdict(alone) == "Only T=5 was given: there is nothing to compare it with."


def test_too_few_resamples_are_said_to_be():
    text = state_verdict(replace(make(seeds=(1,), CATS=CATS), resamples=90))
    assert "90 resamples are too few to call any difference significant after correcting for 5 comparisons" in text


@pytest.mark.parametrize(("value", "text"), [(0.04, "0.0"), (-0.04, "0.0"), (-1.06, "−1.1"), (0.06, "+0.1")])
def test_signs(value, text):
    assert signed(value) == text
