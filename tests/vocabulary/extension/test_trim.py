"""A tokenizer without what a text does not need."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.vocabulary.extension import extend, tokenizer_of, trim
from tests.vocabulary.extension.base import NEW, OLD, TAGS, ids_of, load_nllb, make_content, tokens_of

BASE = make_content()
EXTENDED = extend(BASE, characters="vbkşəüqxı", pieces=30, lines=NEW, tags={"__az__": "__de__"})
WORDS = sorted({word for line in [*OLD["en"], *OLD["de"], *NEW] for word in line.split()})
LINES = st.lists(st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join), max_size=6)


@settings(max_examples=40, deadline=None)
@given(LINES, st.sampled_from([BASE, EXTENDED.content]))
def test_lines_are_cut_as_before(lines, content):
    trimmed = trim(content, lines)
    assert tokens_of(trimmed.content, lines) == tokens_of(content, lines)
    through = [[trimmed.kept[number] for number in ids] for ids in ids_of(trimmed.content, lines)]
    assert through == ids_of(content, lines)


def test_only_what_is_needed_is_kept():
    trimmed = trim(EXTENDED.content, OLD["en"], ["__de__", "__az__"])
    vocabulary = trimmed.content["model"]["vocab"]
    assert "▁the" in vocabulary  # used
    assert "▁t" in vocabulary  # merges into it
    assert not {"▁pişik", "ş", "ä", "__de__"} & vocabulary.keys()
    assert sorted(vocabulary.values()) == list(range(len(trimmed.kept)))
    assert trimmed.kept == tuple(sorted(trimmed.kept))
    assert trimmed.kept[:4] == (0, 1, 2, 3)
    added = {token["content"]: token["id"] for token in trimmed.content["added_tokens"]}
    assert {"<unk>", "<mask>", "__en__"} <= added.keys()
    assert {token: vocabulary[token] for token in added} == added
    assert len(trimmed.content["model"]["merges"]) < len(EXTENDED.content["model"]["merges"])


def test_controls_stay_without_any_line():
    trimmed = trim(BASE, [])
    assert [*trimmed.content["model"]["vocab"]] == ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *TAGS]
    assert tokenizer_of(trimmed.content).encode("the", add_special_tokens=False).ids == [3]


def test_what_no_line_has_is_unknown_and_what_it_has_is_cut_smaller():
    trimmed = trim(BASE, ["the", "red"])
    assert tokens_of(trimmed.content, ["there z"]) == [["▁the", "r", "e", "▁", "<unk>"]]


def test_plain_transformers_reads_it(tmp_path):
    lines = [*OLD["en"], *NEW]
    trimmed = trim(EXTENDED.content, lines, ["__de__"])
    tokenizer = load_nllb(tmp_path, trimmed.content, ["__en__", "__az__"])
    assert tokenizer(lines, add_special_tokens=False).input_ids == ids_of(trimmed.content, lines)
    assert len(tokenizer) == len(trimmed.kept)
    assert tokenizer.convert_ids_to_tokens(tokenizer("the").input_ids) == ["__en__", "▁the", "</s>"]


@pytest.mark.parametrize("unused", [[], ["__de__"]])
def test_the_template_keeps_its_tags_or_goes(unused):
    trimmed = trim(BASE, ["the"], unused)
    found = tokenizer_of(trimmed.content).encode("the")
    assert found.tokens == (["▁the"] if unused else ["__de__", "▁the", "</s>"])


def test_rows_follow():
    trimmed = trim(EXTENDED.content, NEW)
    rows = EXTENDED.rows.select(trimmed.kept)
    ids = trimmed.content["model"]["vocab"]
    old = EXTENDED.content["model"]["vocab"]
    assert all(rows.bases[ids[token]] == EXTENDED.rows.bases[old[token]] for token in ids)
