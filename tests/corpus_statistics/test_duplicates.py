from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catscale.corpus_statistics import duplicates as module
from catscale.corpus_statistics.duplicates import DuplicateCounter

RNG = np.random.default_rng(3)
ANY = RNG.integers(0, 2**64, 50, dtype=np.uint64)


def counter_of(chunks, most, waiting=1):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "WAITING", waiting)
        counter = DuplicateCounter(most)
        for chunk in chunks:
            counter.add(np.asarray(chunk, np.uint64))
    return counter


@given(chunks=st.lists(st.lists(st.sampled_from(ANY.tolist()), max_size=20), max_size=8), waiting=st.integers(1, 30))
def test_exact_counts_are_those_of_a_set(chunks, waiting):
    counter = counter_of(chunks, 50, waiting)
    lines = [line for chunk in chunks for line in chunk]
    assert (counter.lines, counter.duplicates, counter.sampled) == (len(lines), len(lines) - len(set(lines)), 1)


@example(chunks=[[2**63 - 1, 2**64 - 1, 2**63 - 1]], most=1)
@given(chunks=st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=20), max_size=8), most=st.integers(1, 10))
def test_a_sample_holds_all_repetitions_of_its_lines(chunks, most):
    counter = counter_of(chunks, most)
    lines = [line for chunk in chunks for line in chunk]
    fitting = (n for n in range(32) if len({line for line in lines if line < 2 ** (64 - n)}) <= most)
    level = next(fitting, 31)  # real hashes never come so far
    sample = [line for line in lines if line < 2 ** (64 - level)]
    assert counter.sampled == 0.5**level
    expected = len(lines) * (len(sample) - len(set(sample))) / len(sample) if sample else 0
    assert counter.duplicates == round(expected)


def test_the_estimate_is_near_and_zero_where_nothing_repeats():
    distinct = RNG.integers(0, 2**64, 200_000, dtype=np.uint64)
    repeated = np.concatenate([distinct, RNG.choice(distinct, 60_000)])
    RNG.shuffle(repeated)
    counter = counter_of(np.array_split(repeated, 13), 10_000, 4_000)
    assert 0 < counter.sampled <= 1 / 16
    assert counter.duplicates == pytest.approx(60_000, rel=0.05)
    assert counter_of(np.array_split(distinct, 7), 10_000, 4_000).duplicates == 0


def test_memory_is_bounded():
    counter = counter_of(np.array_split(RNG.integers(0, 2**64, 100_000, dtype=np.uint64), 100), 1_000, 500)
    held = counter._held.size + sum(array.size for array in counter._waiting)
    assert held <= 1_000 + 1_000  # and what one chunk adds


def test_repetitions_far_apart_are_found():
    counter = counter_of([ANY[:25], ANY[25:], ANY[:5]], 50, 10)
    assert counter.duplicates == sum(n - 1 for n in Counter([*ANY.tolist(), *ANY[:5].tolist()]).values()) == 5
