from collections import Counter
from itertools import pairwise

import pytest

from catscale.data.preparation.hashing import hash_sentences
from catscale.data.preparation.vocabulary_sample import DistinctLines, EvenSample, HashedLines, balanced_sample, quotas


def hashed(language, lines):
    return HashedLines(hash_sentences(language, lines), lambda: (line.encode() for line in lines))


def test_quotas_follow_the_temperature():
    assert quotas({"en": 9000, "gl": 1000}, 1.0, 5000) == {"en": 4500, "gl": 500}
    assert quotas({"en": 9000, "gl": 1000}, 1e9, 5000) == {"en": 2500, "gl": 2500}
    assert quotas({"en": 10**9, "gl": 1, "xx": 0}, 1.0, 10) == {"en": 10, "gl": 1}


def test_a_shared_side_counts_once_and_small_languages_are_covered():
    english, galician = [f"en {n}" for n in range(900)], [f"gl {n}" for n in range(30)]
    streams = {"en": [hashed("en", english), hashed("en", english[:500])], "gl": [hashed("gl", galician)]}
    lines = Counter(balanced_sample(streams, 2.0, 1000))
    expected = quotas({"en": 900, "gl": 30}, 2.0, 930)
    found = Counter({code: sum(n for line, n in lines.items() if line[:2] == code) for code in ("en", "gl")})
    assert found == expected
    assert {line for line in lines if line[:2] == "gl"} == set(galician)
    assert max(lines.values()) - min(n for line, n in lines.items() if line[:2] == "gl") <= 1


def test_distinct_lines_are_read_anew_each_time_up_to_a_number():
    lines = [hashed("en", ["a", "b", "a"]), hashed("en", ["b", "c", "d"])]
    found = DistinctLines(lines, 3)
    assert list(found) == list(found) == ["a", "b", "c"]
    assert list(DistinctLines(lines, 100)) == ["a", "b", "c", "d"]
    assert list(DistinctLines([], 3)) == []


def test_no_text_no_sample():
    assert list(balanced_sample({"en": [hashed("en", [])]}, 1.0, 10)) == []


@pytest.mark.parametrize(("length", "kept"), [(0, 0), (4, 4), (5, 3), (100, 4)])
def test_even_sample(length, kept):
    sample = EvenSample(4)
    lines = [str(n) for n in range(length)]
    assert list(sample.watch(lines)) == lines
    assert len(sample.lines) == kept
    numbers = [int(line) for line in sample.lines]
    assert len({b - a for a, b in pairwise(numbers)}) <= 1
