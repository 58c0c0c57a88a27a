"""Two tokenizers that are compared line by line."""

from types import SimpleNamespace

import pytest

from catscale.errors import DataError
from catscale.vocabulary.agreement import SPACE, compare_tokenizers, find_disagreement

TRAILING = 99


class Tokenizer:
    """One that gives a word its length; it cuts the word `odd` otherwise and keeps a space for `spaced`."""

    def __call__(self, lines, add_special_tokens):
        assert not add_special_tokens
        return SimpleNamespace(input_ids=[self._cut(line) for line in lines])

    def _cut(self, line):
        ids = [7 if word == "odd" else len(word) for word in line.split()]
        return [*ids, TRAILING] if "spaced" in line else ids

    def convert_tokens_to_ids(self, token):
        assert token == SPACE
        return TRAILING


def encode(lines):
    return [[len(word) for word in line.split()] for line in lines]


def test_lines_that_differ_are_found_in_their_order():
    lines = ["a b", "odd one", "c", "the odd"]
    assert find_disagreement(encode, Tokenizer(), lines) == ["odd one", "the odd"]
    assert find_disagreement(encode, Tokenizer(), []) == []


def test_white_space_at_the_ends_is_no_difference():
    assert find_disagreement(encode, Tokenizer(), ["  a spaced word  ", "\tb "]) == []


def test_agreement_is_said():
    said: list[str] = []
    compare_tokenizers(encode, Tokenizer(), ["a"] * 1500, "", said.append)
    assert said == ["the Hugging Face tokenizer cuts all of 1,500 lines alike"]


@pytest.mark.parametrize(("odd", "lines"), [(1, 999), (2, 1999), (5, 5)])
def test_a_difference_without_a_reason_is_refused(odd, lines):
    text = ["odd"] * odd + ["a"] * (lines - odd)
    message = rf"cuts {odd} of {lines:,} lines otherwise than SentencePiece, first 'odd'; at most 1 in 1,000 may differ"
    with pytest.raises(DataError, match=message):
        compare_tokenizers(encode, Tokenizer(), text, "", print)


@pytest.mark.parametrize(("odd", "lines", "rule"), [(1, 1000, ""), (2, 2000, ""), (5, 5, "nmt_nfkc")])
def test_a_rare_or_explained_difference_is_a_warning(odd, lines, rule):
    said: list[str] = []
    compare_tokenizers(encode, Tokenizer(), ["odd"] * odd + ["a"] * (lines - odd), rule, said.append)
    assert len(said) == 1
    assert said[0].startswith(f"warning: the Hugging Face tokenizer of the run will cut {odd} of {lines:,} lines")
    assert f"under the rule {rule or 'none'};" in said[0]


def test_a_long_line_is_shown_in_part():
    said: list[str] = []
    compare_tokenizers(encode, Tokenizer(), ["odd " + "x" * 500], "nfkc", said.append)
    assert "x" * 76 in said[0]
    assert "x" * 77 not in said[0]
