"""New tags, characters and pieces: what stays, what comes, and what transformers reads of it."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.errors import ConfigError
from catscale.vocabulary.extension import SegmentationChange, compare_segmentation, extend, find_missing, union_of
from catscale.vocabulary.extension.extend import Extension
from tests.vocabulary.extension.base import NEW, OLD, TAGS, ids_of, load_nllb, make_content, tokens_of

BASE = make_content()
SIZE = 93
LINES = st.lists(st.text(sorted({*"".join([*OLD["de"], *NEW])} | {".", "1"}), max_size=20), max_size=8)


def whole(lines=NEW, pieces=30, **more) -> Extension:
    letters = union_of(find_missing(BASE, {"az": lines}).values())
    return extend(BASE, tags={"__az__": "__de__"}, characters=letters, pieces=pieces, lines=lines, **more)


WHOLE = whole()


def all_ids(content):
    return content["model"]["vocab"] | {token["content"]: token["id"] for token in content["added_tokens"]}


def test_old_ids_stay_and_new_ones_follow():
    before, after = all_ids(BASE), all_ids(WHOLE.content)
    assert len(before) == SIZE
    assert {token: after[token] for token in before} == before
    assert [after[token] for token in WHOLE.added] == list(range(SIZE, SIZE + len(WHOLE.added)))
    assert len(WHOLE.rows.bases) == len(after) == SIZE + 9 + 30 + 1


def test_the_given_content_is_untouched():
    before = copy.deepcopy(BASE)
    whole()
    assert before == BASE


def test_plain_transformers_reads_the_same_ids(tmp_path):
    tokenizer = load_nllb(tmp_path, WHOLE.content, [*TAGS, "__az__"])
    assert {token: tokenizer.convert_tokens_to_ids(token) for token in all_ids(WHOLE.content)} == all_ids(WHOLE.content)
    assert len(tokenizer) == len(WHOLE.rows.bases)
    lines = [*NEW, *OLD["en"], *OLD["de"], "</s> __az__ __de__ <mask>", "ş."]
    assert tokenizer(lines, add_special_tokens=False).input_ids == ids_of(WHOLE.content, lines)
    tokenizer.src_lang = "__az__"
    assert tokenizer("bir").input_ids[0] == all_ids(WHOLE.content)["__az__"]
    (again := tmp_path / "again").mkdir()
    tokenizer.save_pretrained(again)
    assert all_ids(json.loads((again / "tokenizer.json").read_text())) == all_ids(WHOLE.content)


def test_text_comes_back(tmp_path):
    tokenizer = load_nllb(tmp_path, WHOLE.content, [*TAGS, "__az__"])
    assert tokenizer.batch_decode(ids_of(WHOLE.content, NEW)) == NEW


def test_a_typed_tag_is_text():
    (ids,) = ids_of(WHOLE.content, ["__az__"])
    assert all_ids(WHOLE.content)["__az__"] not in ids


def expand(tokens, extension):
    """The old tokens of a line's new ones."""
    old = {number: token for token, number in all_ids(BASE).items()}
    ids = all_ids(extension.content)
    return [old[base] for token in tokens for base in extension.rows.bases[ids[token]]]


@settings(max_examples=30, deadline=None)
@given(LINES, LINES)
def test_only_neighbours_join(lines, others):
    """Cut with new pieces, any text is what the old ones cut it to with some neighbours joined."""
    lines = [*lines, *lines, *OLD["de"][:5]]
    letters = union_of(find_missing(BASE, {"x": [*lines, *others]}).values())
    with_letters = extend(BASE, characters=letters).content
    for pieces in (1, 3, 8):
        try:
            after = extend(with_letters, pieces=pieces, lines=lines)
        except ConfigError:
            continue
        ids, old = all_ids(after.content), {number: token for token, number in all_ids(with_letters).items()}
        for before, now in zip(
            tokens_of(with_letters, lines + others), tokens_of(after.content, lines + others), strict=True
        ):
            assert [old[base] for token in now for base in after.rows.bases[ids[token]]] == before
        assert len(after.added) == pieces
        used = {token for tokens in tokens_of(after.content, lines) for token in tokens}
        assert after.added[-1] in used


def test_no_old_line_changes_where_nothing_applies():
    change = compare_segmentation(BASE, WHOLE.content, OLD)
    assert [(one.lines, one.changed, one.share) for one in change.values()] == [(200, 0, 0.0)] * 2
    assert all(one.pieces_before == one.pieces_after for one in change.values())


def test_what_changes_is_counted():
    after = extend(BASE, pieces=1, lines=OLD["de"]).content
    (change,) = compare_segmentation(BASE, after, {"de": [" ", "", *OLD["de"]]}).values()
    before = [tokens_of(content, OLD["de"]) for content in (BASE, after)]
    changed = sum(a != b for a, b in zip(*before, strict=True))
    assert (change.lines, change.changed) == (202, changed)
    assert change.share == changed / 202
    assert str(change).startswith(f"{changed} of 202 lines ({changed / 202:.2%}) are cut otherwise, into ")
    assert change.pieces_before - change.pieces_after >= changed > 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (SegmentationChange(2000, 1, 9, 9), "1 of 2,000 lines (0.05%) is cut otherwise, into as many pieces, 9"),
        (
            SegmentationChange(50_000, 2, 9, 8),
            "2 of 50,000 lines (<0.01%) are cut otherwise, into 8 pieces instead of 9",
        ),
    ],
)
def test_a_change_is_told_in_numbers_that_read_well(change, said):
    assert str(change) == said


def test_rows_start_from_what_was_there():
    ids, rows = all_ids(WHOLE.content), WHOLE.rows
    assert rows.bases[:SIZE] == tuple((number,) for number in range(SIZE))
    assert rows.bases[ids["ş"]] == (ids["s"],)
    assert rows.bases[ids["k"]] == (ids["K"],)
    assert rows.bases[ids["ə"]] == ()
    assert rows.bases[ids["gün"]] == (ids["g"], ids["u"], ids["n"])  # ü starts from u
    assert rows.bases[ids["__az__"]] == (ids["__de__"],)
    assert {ids["ş"], ids["ə"], ids["__az__"]} <= rows.noisy
    assert ids["gün"] not in rows.noisy


def test_a_tag_without_a_relative_starts_from_all():
    rows = extend(BASE, tags={"__az__": None}, known_tags=TAGS).rows
    assert rows.bases[-1] == (91, 92)


def test_the_order_and_repetition_of_lines_do_not_matter():
    again = whole([*reversed(NEW)])
    assert again == WHOLE
    assert extend(BASE, characters=["ş", "a", "ş"]).added == ("ş",)


def test_a_piece_is_no_tag():
    after = extend(BASE, tags={"gün": None}, characters="ü", pieces=3, lines=["gün sün"] * 5 + ["gün"] * 9)
    assert after.added.count("gün") == 1
    assert sorted(all_ids(after.content).values()) == list(range(SIZE + 1 + 3 + 1))


def test_nothing_to_add_changes_nothing():
    same = extend(BASE)
    assert (same.added, len(same.rows.bases), all_ids(same.content)) == ((), SIZE, all_ids(BASE))


@pytest.mark.parametrize("tag", ["__de__", "ed", "a b", "x"])
def test_a_tag_that_is_there_or_is_no_word_is_refused(tag):
    with pytest.raises(ConfigError, match=f"does not have, found '{tag}'; choose another name, .* __de__, __en__"):
        extend(BASE, tags={tag: None}, known_tags=TAGS)


def test_a_relative_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match="'__az__' must be like a tag of the folder, found '__tr__'; it has __de__"):
        extend(BASE, tags={"__az__": "__tr__"}, known_tags=TAGS)
    with pytest.raises(ConfigError, match="found 'ed'; it has __de__"):
        extend(BASE, tags={"__az__": "ed"}, known_tags=TAGS)


def test_more_pieces_than_the_text_has_are_refused():
    with pytest.raises(ConfigError, match=r"pieces must be no more than .*, found 500 for lines that give \d+; lower"):
        whole(pieces=500)
