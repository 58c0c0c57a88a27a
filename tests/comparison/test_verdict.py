"""The sentences say what the rows say, and no more."""

from dataclasses import replace

import pytest

from catscale.comparison.result import ComparedDirection, ComparedMethod, Comparison, Difference, Row
from catscale.comparison.threshold import without_chance
from catscale.comparison.verdict import signed, state_basis, state_verdict

REASON = "best of 3 temperatures by mean BLEU on the dev set: T=1 20.00, T=5 21.00, T=100 20.50"


def make(significant=(), seeds=(1, 2), **means):
    """A comparison of T=5 with methods whose BLEU differs by `means`, {over: difference}."""
    methods = [ComparedMethod("T=5", list(seeds), ["x"] * len(seeds), 5.0)]
    methods += [
        ComparedMethod(name, list(seeds), ["x"] * len(seeds), 1.0 if name.startswith("T=") else None) for name in means
    ]
    rows = []
    overs = list(next(iter(means.values())))
    for over in overs:
        rows.append(Row("bleu", over, "T=5", [20.0], 20.0, 0.2, (19.0, 21.0)))
        for name, differences in means.items():
            mean, spread = differences[over], 0.4 if len(seeds) > 1 else None
            mark = (name, over) in significant
            difference = Difference(mean, (mean - 0.5, mean + 0.5), spread, 0.1, None, 0.01 if mark else 0.2, mark, 0.1,
                                    0.1 if len(seeds) > 1 else None)  # fmt: skip
            rows.append(Row("bleu", over, name, [20 + mean], 20 + mean, 0.2, (19.0, 21.0), difference))
    directions = [ComparedDirection("en-az", 500, "low", 100), ComparedDirection("en-fr", 9000, "high", 100)]
    count = sum(row.difference is not None for row in rows)
    return Comparison("", "T=5", REASON, "test", methods, directions, rows, 10_000, 1, count)


CATS = {"en-az": -0.3, "en-fr": 0.5, "all": 0.1, "low": -0.31, "high": 0.5}


def test_one_method_without_significance():
    found = make(CATS=CATS)
    assert state_verdict(found) == (
        "CATS against T=5: BLEU +0.1 [−0.4, +0.6] over all directions (low-resource −0.3, high-resource +0.5). No "
        "difference is significant: other seeds or sentences may turn it round."
    )
    assert state_basis(found) == [
        "2 seeds each; in brackets a 95% interval over sentences and seeds; significance is after the correction for 5 "
        "comparisons.",
        "Seeds move the difference by as much as it is: ±0.4 over all directions and ±0.4 on low-resource ones "
        "(standard deviation).",
    ]


def test_what_is_significant_is_named_on_its_side():
    marks = [("CATS", "en-az"), ("CATS", "low"), ("CATS", "en-fr")]
    text = state_verdict(make(marks, CATS=CATS))
    assert text.endswith(
        ". Significantly better on en-fr, worse on the average over low-resource directions and on en-az."
    )
    assert state_verdict(make([("CATS", "en-fr")], CATS=CATS)).endswith("Significantly better on en-fr, worse nowhere.")


def test_one_seed_decides_nothing():
    text = state_verdict(make(seeds=(1,), CATS=CATS))
    assert text.endswith(". One seed of CATS and T=5 decides nothing: another may turn it round.")
    assert "ignificant" not in text
    assert state_basis(make(seeds=(1,), CATS=CATS)) == [
        "One seed each; in brackets a 95% interval over sentences alone."
    ]


def test_one_seed_of_the_baseline_alone():
    """Two methods need not have as many seeds."""
    made = make(seeds=(1,), CATS=CATS)
    one, other = made.methods
    found = replace(made, methods=[one, replace(other, seeds=[1, 2, 3])])
    assert state_verdict(found).endswith("One seed of T=5 decides nothing: another may turn it round.")
    assert state_basis(found)[0].startswith("3 seeds against one;")
    assert state_basis(replace(made, methods=[replace(one, seeds=[1, 2]), other]))[0].startswith("One seed against 2;")


def test_a_spread_below_the_difference_is_left_out():
    assert len(state_basis(make(CATS={"en-az": 2.0, "all": 2.0}))) == 1


def test_a_spread_that_is_rounded_away_is_not_called_large():
    found = make(CATS={"en-az": 0.0, "all": 0.0})
    tiny = [
        replace(row, difference=row.difference and replace(row.difference, mean=0.01, seed_std=0.02))
        for row in found.rows
    ]
    assert len(state_basis(replace(found, rows=tiny))) == 1


def test_the_best_of_several_is_said_to_be_that():
    found = make(CATS=CATS, PCGrad={**CATS, "all": 0.7})
    assert state_verdict(found).startswith("PCGrad against T=5: ")
    assert state_basis(found)[0] == (
        "PCGrad has the best BLEU of the 2 methods that are no plain temperature, which flatters it."
    )


def test_another_temperature_that_is_better_is_named():
    better = dict.fromkeys(CATS, 1.0)
    found = make([("T=1", "all")], CATS=CATS, **{"T=1": better})
    assert state_verdict(found).startswith("CATS against T=5")
    assert state_basis(found)[-1] == "T=1 is significantly better than T=5, by +1.0 over all directions."


def test_of_several_that_are_better_the_best_is_named():
    better = {"T=1": dict.fromkeys(CATS, 1.0), "T=2": dict.fromkeys(CATS, 2.0)}
    found = make([("T=1", "all"), ("T=2", "all")], CATS=CATS, **better)
    assert state_basis(found)[-1] == "T=2 is significantly better than T=5, by +2.0 over all directions."


def test_temperatures_alone():
    assert state_verdict(make(**{"T=1": CATS})).startswith("T=1 against T=5")


def test_nothing_to_compare_with():
    alone = replace(make(CATS=CATS), methods=[ComparedMethod("T=5", [1, 2], ["a", "b"], 5.0)])
    assert state_verdict(alone) == "Only T=5 was given: there is nothing to compare it with."
    assert state_basis(alone) == []


@pytest.mark.parametrize("level", [0.0, 0.8])
def test_models_that_do_not_translate_get_no_verdict_in_bleu_and_one_in_nll(level):
    made = make([("CATS", "all")], CATS=CATS)
    low = [replace(row, mean=row.mean - 20 + level) for row in made.rows]
    nll = [replace(row, metric="nll") for row in made.rows]
    found = replace(made, rows=[*without_chance(low, "T=5"), *nll])
    assert not any(row.difference.significant for row in found.rows if row.metric == "bleu" and row.difference)
    assert state_verdict(found) == (
        "No verdict in BLEU: below 1, as here over all directions, models do not translate yet. Look at NLL."
    )
    assert state_basis(found) == []
    assert state_verdict(found, "nll").startswith(
        "CATS against T=5: NLL (lower is better) +0.100 [−0.400, +0.600] over"
    )
    assert state_verdict(found, "nll").endswith(
        "Significantly better nowhere, worse on the average over all directions."
    )


def test_the_best_nll_is_the_lowest():
    made = make(CATS={**CATS, "all": 0.3}, PCGrad=CATS)
    found = replace(made, rows=[*made.rows, *(replace(row, metric="nll") for row in made.rows)])
    assert state_verdict(found, "bleu").startswith("CATS against")
    assert state_verdict(found, "nll").startswith("PCGrad against")


@pytest.mark.parametrize(("value", "text"), [(0.04, "0.0"), (-0.04, "0.0"), (-1.06, "−1.1"), (0.06, "+0.1")])
def test_signs(value, text):
    assert signed(value) == text
