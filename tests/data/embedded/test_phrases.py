"""Phrases as values: what is drawn, and how often."""

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from string import Formatter

import pytest

from catscale.data.embedded import phrases
from catscale.data.embedded.phrases import COUNTS, RELATIVE, TEMPLATES, TERRITORIES, TONGUES, UNITS, draw_phrase


def draw(make, count=400):
    rng = random.Random(7)
    return [make(rng) for _ in range(count)]


def test_the_same_seed_draws_the_same_phrases():
    first, again, other = ([draw_phrase(rng) for rng in [random.Random(seed)] for _ in range(50)] for seed in (1, 1, 2))
    assert first == again != other
    assert hash(first[0]) == hash(again[0])  # a value, by which what was said is known again


def test_a_phrase_has_as_many_parts_as_its_pattern():
    for kind, pattern, *parts in draw(draw_phrase):
        assert kind == "join"
        assert [name for _, name, _, _ in Formatter().parse(pattern) if name is not None] == list(
            map(str, range(len(parts)))
        )


def test_patterns_hold_no_word():
    """A word would be of one language; punctuation is all that stands between parts."""
    for weight, pattern, parts in TEMPLATES:
        assert weight > 0
        assert not any(character.isalpha() for character in pattern)
        assert len(parts) >= 1


@pytest.mark.parametrize(("make", "known"), [(phrases.places, TERRITORIES), (phrases.tongues, TONGUES)])
def test_a_list_names_two_to_four_each_once(make, known):
    for kind, style, *parts in draw(make):
        assert kind == "list"
        assert style in ("standard", "or")
        assert 2 <= len(parts) == len(set(parts)) <= 4
        assert {code for _, code in parts} <= set(known)


def test_what_stands_first_is_drawn_most_often():
    """Of two uniform positions the smaller is taken: the first third has 1 - (2/3)^2 = 5/9 of the draws."""
    drawn = Counter(code for _, code in draw(phrases.tongue, 6_000))
    third = sum(drawn[code] for code in TONGUES[: len(TONGUES) // 3]) / 6_000
    assert third == pytest.approx(5 / 9, abs=0.03)
    assert set(drawn) == set(TONGUES)


def test_values_are_within_their_bounds():
    assert {number for _, number in draw(phrases.share, 3_000)} == set(range(1, 101))
    assert all(moment.minute % 5 == 0 for _, moment in draw(phrases.moment))
    assert all(date(1995, 1, 1) <= day < date(2031, 1, 1) for _, day, _ in draw(phrases.day))
    assert all(timedelta(days=2) <= end - start <= timedelta(days=240) for _, start, end, _ in draw(phrases.span))
    for _, unit, count, length in draw(phrases.quantity):
        assert unit in UNITS
        assert count in COUNTS
        assert isinstance(count, Decimal)
        assert length in ("long", "short")


def test_a_time_from_now_stays_below_the_next_larger_unit():
    for _, unit, delta in draw(phrases.relative):
        most, length = RELATIVE[unit]
        assert length <= abs(delta) <= most * length
    signs = [delta > timedelta(0) for _, _, delta in draw(phrases.relative)]
    assert 0.4 < sum(signs) / len(signs) < 0.6


def test_lists_have_no_repetitions():
    for known in (TERRITORIES, TONGUES, phrases.CURRENCIES, UNITS, COUNTS):
        assert len(set(known)) == len(known)
