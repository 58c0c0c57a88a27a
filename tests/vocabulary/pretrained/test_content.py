"""The one form of a `tokenizer.json`: every id is written out, and no text becomes a special token."""

from typing import Any

import pytest

from catscale.vocabulary.extension import tokenizer_of
from catscale.vocabulary.extension.content import BpeContent
from catscale.vocabulary.pretrained.content import Pieces, list_tags, make_content

CONTROL = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
VOCABULARY = {**CONTROL, "▁": 4, "a": 5, "b": 6, "<": 7, ">": 8, "s": 9, "s>": 10, "ab": 11, "▁ab": 12, "xx_Latn": 14}
RULE = "BAAAAAAAAABh"
"""A table of one number, and the text `a`."""
MERGES = [("a", "b"), ("▁", "ab"), ("s", ">"), ("<", "s>")]


def pieces(**changes: Any) -> Pieces:
    found = {"vocabulary": VOCABULARY, "merges": MERGES, "charsmap": "", "special": frozenset({*CONTROL, "xx_Latn"})}
    return Pieces(**{**found, **changes})


def test_every_id_has_a_token_and_all_are_pieces() -> None:
    content = make_content(pieces(), 17)
    found = content["model"]["vocab"]
    assert sorted(found.values()) == list(range(17))
    assert {token: found[token] for token in VOCABULARY} == VOCABULARY
    assert [found[name] for name in ("madeupword0", "madeupword1", "madeupword2")] == [13, 15, 16]
    BpeContent(content)


def test_a_name_of_a_spare_row_that_is_taken_gets_a_mark() -> None:
    found = make_content(pieces(vocabulary={**VOCABULARY, "madeupword0": 13}), 16)["model"]["vocab"]
    assert found["madeupword0"] == 13
    assert found["madeupword0_"] == 15


def test_special_tokens_are_added_tokens_and_others_are_not() -> None:
    added = make_content(pieces(whole=frozenset({"ab"})), 16)["added_tokens"]
    assert [(token["id"], token["content"], token["special"]) for token in added] == [
        (0, "<s>", True), (1, "<pad>", True), (2, "</s>", True), (3, "<unk>", True), (11, "ab", False),
        (14, "xx_Latn", True),
    ]  # fmt: skip


def test_no_merge_makes_a_special_token() -> None:
    content = make_content(pieces(), 16)
    assert ["s", ">"] in content["model"]["merges"]
    assert ["<", "s>"] not in content["model"]["merges"]
    found = tokenizer_of(content).encode("ab <s> ab", add_special_tokens=False)
    assert found.ids == [12, 4, 7, 10, 12]


def test_tags_are_the_special_tokens_that_are_no_controls() -> None:
    made = pieces(vocabulary=VOCABULARY | {"<mask>": 15}, special=frozenset({*CONTROL, "xx_Latn", "<mask>", "ab"}))
    assert list_tags(make_content(made, 16)) == ("ab", "xx_Latn")


def test_a_rule_changes_text_and_runs_of_spaces() -> None:
    assert make_content(pieces(), 16)["normalizer"] is None
    steps = make_content(pieces(charsmap=RULE), 16)["normalizer"]["normalizers"]
    assert [step["type"] for step in steps] == ["Precompiled", "Replace"]


@pytest.mark.parametrize(
    ("changes", "size", "message"),
    [
        ({"vocabulary": {"a": 0, "<s>": 1}}, 16, r"it has no <pad> and no </s> and no <unk>"),
        ({"vocabulary": {**VOCABULARY, "c": 5}}, 16, r"'a' and 'c' have one id, 5"),
        ({}, 14, r"the id 14 of 'xx_Latn' is not below the 14 rows of the model's table"),
        ({"charsmap": "%%"}, 16, r"its rule for text cannot be read \(Only base64 data"),
        ({"charsmap": "AAAA"}, 16, r"its rule for text is damaged, a table of 0 bytes in 3"),
        ({"charsmap": "CAAAAAAAAAA="}, 16, r"its rule for text is damaged, a table of 8 bytes in 8"),
        ({"charsmap": "BAAAAAAAAAD/"}, 16, r"its rule for text cannot be read \('utf-8' codec"),
    ],
)
def test_what_is_no_tokenizer_is_refused(changes: dict[str, Any], size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_content(pieces(**changes), size)
