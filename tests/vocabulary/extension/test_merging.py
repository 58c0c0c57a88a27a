"""Merging as the tokenizer does it, and the pieces on the way."""

from hypothesis import given
from hypothesis import strategies as st

from catscale.vocabulary.extension.content import BpeContent
from catscale.vocabulary.extension.merging import find_parts, merge_pieces
from tests.vocabulary.extension.base import OLD, make_content

PARTS = BpeContent(make_content())
LETTERS = sorted({*"".join(OLD["en"] + OLD["de"])} - {" "})


WORDS = sorted({word for lines in OLD.values() for line in lines for word in line.split()})
TEXTS = st.text(LETTERS, min_size=1, max_size=12) | st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(
    "".join
)


@given(TEXTS)
def test_a_word_is_cut_as_by_tokenizers(word):
    found, made = merge_pieces("▁" + word, PARTS.ranks)
    assert "".join(found) == "▁" + word
    assert found == [token.value for token in PARTS.tokenizer.model.tokenize("▁" + word)]
    assert {one for one in found if len(one) > 1} <= set(made)


@given(TEXTS)
def test_a_final_piece_is_made_alone_as_in_its_word(word):
    found, made = merge_pieces("▁" + word, PARTS.ranks)
    assert sorted(made) == sorted(step for piece in found for step in merge_pieces(piece, PARTS.ranks)[1])
    assert {*found, *made, "▁", *word} == find_parts(found, PARTS.ranks)
