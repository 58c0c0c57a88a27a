"""Sentences of dev and test that are met in train."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.corpus_statistics.overlap import Matches, count_overlap, gather

NUMBERS = st.lists(st.integers(0, 30), max_size=20)


def hashes(*numbers):
    return np.array(numbers, np.uint64)


def test_hashes_are_gathered_once_and_sorted():
    found = gather([hashes(9, 2, 9), hashes(), hashes(2, 1)])
    assert found.tolist() == [1, 2, 9]
    assert found.dtype == np.uint64
    assert gather([]).size == 0


@given(held_out=NUMBERS, chunks=st.lists(NUMBERS, max_size=5))
def test_what_is_met_is_an_intersection(held_out, chunks):
    matches = Matches(gather([hashes(*held_out)]))
    for chunk in chunks:
        matches.add(hashes(*chunk))
    assert matches.met.tolist() == sorted(set(held_out) & {number for chunk in chunks for number in chunk})


def test_a_pair_with_both_sides_in_train_counts_once():
    overlap, places = count_overlap([hashes(1, 2), hashes(3, 4)], [hashes(5, 1), hashes(3, 6)], hashes(1, 3, 6))
    assert asdict(overlap) == {"pairs": 4, "sources": 2, "targets": 3}
    assert places.tolist() == [0, 1, 2, 3]
    overlap, places = count_overlap([hashes(8, 2)], [hashes(9, 2)], hashes(2))
    assert asdict(overlap) == {"pairs": 1, "sources": 1, "targets": 1}
    assert places.tolist() == [1]


@pytest.mark.parametrize("met", [hashes(), hashes(7)])
def test_nothing_in_common(met):
    overlap, places = count_overlap([hashes(1)], [hashes(2)], met)
    assert (overlap.pairs, places.size) == (0, 0)
    assert count_overlap([], [], met)[0].pairs == 0
