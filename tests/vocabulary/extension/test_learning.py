"""New pieces learnt where the cutting by the old ones ends."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.errors import ConfigError
from catscale.vocabulary.extension.learning import LONGEST, learn_merges
from catscale.vocabulary.extension.merging import merge_pieces

WORDS = {("▁", "a", "b", "a", "b"): 3, ("a", "b", "c"): 2, ("c", "d"): 1}
TEXTS = st.dictionaries(st.lists(st.sampled_from("abcd"), min_size=1, max_size=7).map(tuple), st.integers(1, 9))


def test_the_most_frequent_pair_comes_first():
    assert learn_merges(WORDS, "▁abcd", 3) == [("a", "b"), ("ab", "ab"), ("▁", "abab")]


def slow(words, known, wanted):
    """The same, counted anew before every merge."""
    taken, merges = set(known), list[tuple[str, str]]()
    while len(merges) < wanted:
        counts = Counter[tuple[str, str]]()
        for word, number in words.items():
            for pair in pairwise(word):
                counts[pair] += number
        open_pairs = [(-n, pair) for pair, n in counts.items() if n > 1 and "".join(pair) not in taken]
        if not open_pairs:
            break
        merges.append(min(open_pairs)[1])
        taken.add("".join(merges[-1]))
        cut = Counter[tuple[str, ...]]()
        for word, number in words.items():
            cut[tuple(merge_pieces(word, {merges[-1]: 0})[0])] += number
        words = cut
    return merges


@given(TEXTS, st.integers(1, 12), st.sets(st.sampled_from(["ab", "bc", "abc", "dd", "ca"])))
def test_merges_are_those_of_counting_anew(words, wanted, known):
    expected = slow(words, {*"abcd", *known}, wanted)
    if len(expected) == wanted:
        assert learn_merges(words, {*"abcd", *known}, wanted) == expected
        return
    with pytest.raises(ConfigError, match=rf"lines that give {len(expected)}; lower pieces to {len(expected)}, or"):
        learn_merges(words, {*"abcd", *known}, wanted)


@given(TEXTS, st.randoms())
def test_the_order_of_words_does_not_matter(words, random):
    merges = slow(words, "abcd", 5)
    mixed = list(words.items())
    random.shuffle(mixed)
    assert learn_merges(dict(mixed), "abcd", len(merges)) == merges


def test_old_pieces_are_not_made_again():
    with pytest.raises(ConfigError, match=r"found 1 for lines that give 0"):
        learn_merges({("a", "b"): 9}, ["a", "b", "ab"], 1)


@pytest.mark.parametrize("word", [("a", "."), ("1", "2"), ("▁", "'"), ("a",), ("a" * LONGEST, "a"), ("▁", "▁")])
def test_punctuation_digits_and_long_strings_are_no_pieces(word):
    with pytest.raises(ConfigError, match="pieces must be no more"):
        learn_merges({word: 9}, [], 1)


@pytest.mark.parametrize("word", [("а", "ң"), ("क", "\u093f"), ("▁", "ʻ"), ("ک", "\u200c"), ("a" * (LONGEST - 1), "a")])
def test_letters_marks_and_joiners_are(word):
    assert learn_merges({word: 2}, [], 1) == [word]


def test_what_occurs_once_is_no_piece():
    with pytest.raises(ConfigError, match="give 0"):
        learn_merges({("a", "b"): 1}, [], 1)
