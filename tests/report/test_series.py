import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.report.series import average_seeds, round_numbers, thin


@given(st.lists(st.integers()), st.integers(1, 20))
def test_thinning_keeps_order_the_ends_and_the_limit(values, limit):
    kept = thin(list(enumerate(values)), limit)
    assert len(kept) == min(limit, len(values))
    assert kept == sorted(set(kept))
    if values:
        assert kept[-1] == (len(values) - 1, values[-1])
    if values and limit > 1:
        assert kept[0] == (0, values[0])


def point(step, seed, value, method="T=1"):
    return {"method": method, "step": step, "seed": seed, "value": value}


def test_seeds_become_mean_and_span():
    (row,) = average_seeds([point(1, 1, 2.0), point(1, 2, 4.0)])
    assert row == {"method": "T=1", "step": 1, "mean": 3.0, "low": 2.0, "high": 4.0, "seeds": 2}


def test_a_curve_ends_where_its_first_seed_ends_and_another_method_s_does_not():
    rows = average_seeds([point(1, 1, 2), point(1, 2, 4), point(2, 1, 8), point(2, 1, 5, "CATS")])
    assert [(row["method"], row["step"], row["mean"]) for row in rows] == [("T=1", 1, 3), ("CATS", 2, 5)]


def test_seeds_that_never_meet_all_stay():
    assert [row["mean"] for row in average_seeds([point(1, 1, 2.0), point(2, 2, 4.0)])] == [2.0, 4.0]


def test_rounding_keeps_significant_digits_and_whole_numbers():
    assert round_numbers([{"x": 0.000123456789, "n": 123456789, "t": "a", "no": None}], 3) == [
        {"x": pytest.approx(0.000123, rel=1e-9), "n": 123456789, "t": "a", "no": None}
    ]


def test_tokens_that_differ_between_seeds_are_averaged_not_a_curve_s_name():
    rows = [
        {"method": "T=5", "step": step, "tokens": 100 * step + seed, "seed": seed, "value": float(seed)}
        for step in (1, 2)
        for seed in (1, 3)
    ]
    rows.append({"method": "T=1", "step": 1, "tokens": 99, "seed": 1, "value": 0.0})
    found = average_seeds(rows)
    assert [(row["method"], row["step"], row["tokens"], row["seeds"], row["mean"]) for row in found] == [
        ("T=5", 1, 102, 2, 2.0),
        ("T=5", 2, 202, 2, 2.0),
        ("T=1", 1, 99, 1, 0.0),
    ]
