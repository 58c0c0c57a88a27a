"""Statements on the toys: each holds on ends as the papers have them, and fails when these are altered."""

import copy
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks.outside import toy_claims
from benchmarks.outside.toy_claims import CLAIMS, EQUAL, FAMO, NASH, TOY_OF, describe, move_on_front, read_records
from benchmarks.outside.toy_problem import TOYS, Toy

Made = dict[str, dict[str, list[dict[str, Any]]]]
STUCK = math.inf
"""An x_1 that stands for an end in a valley."""
PUBLISHED = {
    EQUAL: {
        "fixed": [STUCK, 0.0, STUCK],
        "mgda": [-3.3, -7.0, 3.3],
        "pcgrad": [-2.8, -6.6, 3.0],
        "cagrad": [0.0, 0.01, -0.01],
        "nash_mtl": [-3.0, -5.5, 3.0],
    },
    NASH: {
        "fixed": [-5.7, -5.7, STUCK, -5.7, -5.7],
        "mgda": [-1.0, 6.1, 7.0, -4.0, 7.0],
        "pcgrad": [-4.8, -3.4, STUCK, -3.8, 5.0],
        "cagrad": [-5.7, -5.7, STUCK, -5.7, -5.7],
        "nash_mtl": [-3.0, 0.0, 3.0, -3.3, 4.9],
    },
    FAMO: {
        "fixed": [-5.7, -5.7, STUCK, -5.7, -5.7],
        "mgda": [-1.0, 6.1, 7.0, -4.0, 7.0],
        "pcgrad": [-4.8, -3.4, -1.0, -3.8, 5.0],
        "cagrad": [-5.7, -5.7, -5.7, -5.7, -5.7],
        "nash_mtl": [-3.0, 0.0, 3.0, -3.3, 4.9],
        "famo": [0.0, 0.1, 0.3, -0.7, 1.6],
    },
}
"""x_1 of ends that every statement holds for."""
ALTERED = [
    ("adam-stuck", EQUAL, "fixed", 0, 0.0),
    ("adam-stuck", EQUAL, "fixed", 1, STUCK),
    ("others-reach", EQUAL, "mgda", 0, STUCK),
    ("others-reach", EQUAL, "pcgrad", 2, STUCK),
    ("others-reach", EQUAL, "cagrad", 1, STUCK),
    ("mgda-stops", EQUAL, "mgda", 1, STUCK),
    ("pcgrad-stops", EQUAL, "pcgrad", 2, STUCK),
    ("cagrad-least-mean", EQUAL, "cagrad", 0, 0.3),
    ("cagrad-least-mean", EQUAL, "cagrad", 2, STUCK),
    ("larger-loss", NASH, "pcgrad", 0, 4.8),
    ("larger-loss", NASH, "pcgrad", 1, STUCK),
    ("rightmost", NASH, "fixed", 2, -5.7),
    ("rightmost", NASH, "pcgrad", 2, -5.7),
    ("rightmost", NASH, "cagrad", 2, -5.7),
    ("smaller-loss", NASH, "mgda", 1, -6.1),
    ("smaller-loss", NASH, "mgda", 4, STUCK),
    ("nash-balanced", NASH, "nash_mtl", 3, STUCK),
    ("nash-balanced", NASH, "nash_mtl", 4, 5.5),
    ("nash-balanced", NASH, "nash_mtl", 0, -5.5),
    ("nash-invariant", NASH, "nash_mtl", 0, -3.3),
    ("nash-invariant", EQUAL, "nash_mtl", 2, 2.5),
    ("nash-invariant", EQUAL, "nash_mtl", 2, STUCK),
    ("adam-fails-once", FAMO, "fixed", 2, -5.7),
    ("adam-fails-once", FAMO, "fixed", 0, STUCK),
    ("famo-reaches", FAMO, "famo", 1, STUCK),
    ("manipulation-reaches", FAMO, "mgda", 0, STUCK),
    ("manipulation-reaches", FAMO, "pcgrad", 2, STUCK),
    ("manipulation-reaches", FAMO, "cagrad", 2, STUCK),
    ("manipulation-reaches", FAMO, "nash_mtl", 2, STUCK),
    ("famo-balanced", FAMO, "famo", 1, -5.7),
    ("famo-balanced", FAMO, "famo", 1, STUCK),
]
"""Name of a statement, and what no longer lets it hold: record, method, place of the start, x_1 of its end."""


def make_end(start: tuple[float, float], one: float) -> dict[str, Any]:
    """Return a result as the script records it, whose path goes straight to its end."""
    is_stuck = one == STUCK
    end = [5.0, 2.3] if is_stuck else [one, -8.36]
    path = f"{start[0]:.2f},{start[1]:.2f} {end[0]:.2f},{end[1]:.2f}"
    return {"path": path, "end": end, "front": not is_stuck}


@pytest.fixture
def made() -> Made:
    return {
        record: {
            name: [make_end(start, one) for start, one in zip(TOYS[TOY_OF[record]].starts, ends, strict=True)]
            for name, ends in methods.items()
        }
        for record, methods in PUBLISHED.items()
    }


@pytest.mark.parametrize("name", CLAIMS)
def test_a_statement_holds_on_ends_as_published(name: str, made: Made) -> None:
    verdict = CLAIMS[name].check(made)
    assert verdict.holds, verdict.found


@pytest.mark.parametrize(("name", "record", "method", "place", "one"), ALTERED)
def test_a_statement_fails_where_an_end_is_another(
    name: str, record: str, method: str, place: int, one: float, made: Made
) -> None:
    made[record][method][place] = make_end(TOYS[TOY_OF[record]].starts[place], one)
    assert not CLAIMS[name].check(made).holds


@pytest.mark.parametrize(("name", "method"), [("mgda-stops", "mgda"), ("pcgrad-stops", "pcgrad")])
def test_a_method_that_goes_on_along_the_front_does_not_stop(name: str, method: str, made: Made) -> None:
    end = made[EQUAL][method][0]
    end["path"] = f"-8.50,7.50 -5.00,-8.36 {end['end'][0]:.2f},-8.36"
    assert not CLAIMS[name].check(made).holds


@pytest.mark.parametrize("method", ["mgda", "pcgrad"])
def test_ends_that_are_one_place_do_not_depend_on_the_start(method: str, made: Made) -> None:
    for place, start in enumerate(TOYS["equal"].starts):
        made[EQUAL][method][place] = make_end(start, 3.0)
    assert not CLAIMS["ends-differ"].check(made).holds
    made[EQUAL][method] = [make_end(start, STUCK) for start in TOYS["equal"].starts]
    assert not CLAIMS["ends-differ"].check(made).holds


def test_ends_on_one_half_are_no_balance_of_nash_mtl(made: Made) -> None:
    made[NASH]["nash_mtl"] = [make_end(start, 3.0) for start in TOYS["unequal"].starts]
    assert not CLAIMS["nash-balanced"].check(made).holds


def test_shared_starts_are_found_wherever_they_stand(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = TOYS["unequal"]
    order = [3, 0, 1, 2, 4]
    monkeypatch.setitem(TOYS, "unequal", Toy(toy.scale, tuple(toy.starts[place] for place in order), toy.steps))
    assert not CLAIMS["nash-invariant"].check(made).holds
    made[NASH]["nash_mtl"] = [made[NASH]["nash_mtl"][place] for place in order]
    assert CLAIMS["nash-invariant"].check(made).holds


def test_every_statement_is_altered() -> None:
    elsewhere = {"ends-differ"}
    assert {case[0] for case in ALTERED} | elsewhere == set(CLAIMS)


def test_the_move_on_the_front_counts_from_where_it_is_reached() -> None:
    assert move_on_front({"path": "9.00,9.00 4.00,-2.00 3.00,-8.36 1.00,-8.36 1.20,-8.36"}) == pytest.approx(2.0)
    assert move_on_front({"path": "9.00,9.00 4.00,-2.00"}) == 0


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("adam-stuck", "on the front `fixed` 1 of 3"),
        ("mgda-stops", "x₁ moves by 0.00 at most"),
        ("ends-differ", "`mgda` over 10.3, `pcgrad` over 9.6"),
        ("cagrad-least-mean", "3 of 3, x₁ within 0.01 of 0"),
        ("larger-loss", "on that half `fixed` 4 of 5, `pcgrad` 3 of 5, `cagrad` 4 of 5"),
        ("rightmost", "from (9, 9) `fixed`, `pcgrad`, `cagrad`"),
        ("nash-balanced", "x₁ -3.0, 0.0, 3.0, -3.3, 4.9"),
        ("nash-invariant", "x₁ -3.00 and -3.00, x₁ 3.00 and 3.00"),
    ],
)
def test_what_was_found_is_told(name: str, found: str, made: Made) -> None:
    assert CLAIMS[name].check(made).found == found


def test_what_did_not_reach_the_front_is_told(made: Made) -> None:
    made[EQUAL]["mgda"][0] = make_end((-8.5, 7.5), STUCK)
    made[NASH]["nash_mtl"][0] = make_end((-8.5, 7.5), STUCK)
    assert CLAIMS["mgda-stops"].check(made).found.endswith("; 1 not there")
    assert CLAIMS["nash-balanced"].check(made).found == "x₁ 0.0, 3.0, -3.3, 4.9; 1 not there"


def test_the_table_says_what_does_not_hold(made: Made) -> None:
    assert [line[2] for line in describe(made)["lines"]] == ["yes"] * len(CLAIMS)
    assert not any("|" in cell for line in describe(made)["lines"] for cell in line)  # it would end a cell
    altered = copy.deepcopy(made)
    altered[FAMO]["famo"][0] = make_end((-8.5, 7.5), STUCK)
    content = describe(altered)
    places = [place for place, line in enumerate(content["lines"]) if line[2] == "**no**"]
    assert [list(CLAIMS)[place] for place in places] == ["famo-reaches", "famo-balanced"]
    assert content["note"].startswith(f"{len(CLAIMS) - 2} of {len(CLAIMS)} hold")
    assert content["lines"][places[0]][:2] == [
        "FAMO, 5.1: FAMO reaches the front from all five starts",
        "on the front `famo` 4 of 5",
    ]


def test_the_script_reads_the_records_and_writes_its_own(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made[FAMO]["famo"][0] = make_end((-8.5, 7.5), STUCK)
    for record, results in made.items():
        (tmp_path / f"{record}.json").write_text(json.dumps({"results": results}), encoding="utf-8")
    path = tmp_path / "toys-published.json"
    monkeypatch.setattr(sys, "argv", ["toy_claims", "--results", str(tmp_path), "--json", str(path)])
    toy_claims.main()
    printed = capsys.readouterr().out
    assert printed.count("holds         ") == len(CLAIMS) - 2
    assert (
        "does not hold  FAMO, 5.1: FAMO reaches the front from all five starts  (on the front `famo` 4 of 5)" in printed
    )
    assert json.loads(path.read_text(encoding="utf-8")) == describe(read_records(tmp_path))
