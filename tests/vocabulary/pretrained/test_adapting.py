"""What is added for the languages of a run, what goes, and what is said of both."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from catscale.errors import ConfigError
from catscale.vocabulary.extension import tokenizer_of
from catscale.vocabulary.pretrained.adapting import (
    Changed,
    Changes,
    Characters,
    change_tokenizer,
    check_new,
    say_all,
    script_of,
)
from tests.data.toy_corpora import sentences
from tests.model.nllb_folder import TAGS
from tests.vocabulary.pretrained.folders import content_of

ODD = ["ңa ңb ңa", "ңa ө ң"] * 10
TEXTS = {"de": sentences("de", 40), "en": sentences("en", 40), "xx": ODD}
TAGGED = {"de": "deu_Latn", "en": "eng_Latn", "xx": "xxx_Cyrl"}
NEW: Mapping[str, str | None] = {"xxx_Cyrl": "rus_Cyrl"}


def change(
    texts: Any = TEXTS, tags: Mapping[str, str] = TAGGED, new: Mapping[str, str | None] = NEW, **more
) -> Changed:
    return change_tokenizer(content_of("nllb"), TAGS, Changes(tags, new, **more), texts)


def ids_of(content: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = content["model"]["vocab"]
    return found


def test_nothing_to_do_leaves_all_as_it_is() -> None:
    tags = {language: tag for language, tag in TAGGED.items() if language != "xx"}
    changed = change({"de": TEXTS["de"], "en": TEXTS["en"]}, tags, {})
    assert (changed.content, changed.rows) == (content_of("nllb"), None)
    assert changed.notes == ("no character is missing for de, en",)


def test_a_new_language_gets_its_tag_and_its_characters() -> None:
    changed = change()
    before, after = ids_of(content_of("nllb")), ids_of(changed.content)
    assert {token: after[token] for token in before} == before
    assert {token: after[token] for token in after if token not in before} == {"ң": 253, "ө": 254, "xxx_Cyrl": 255}
    assert changed.rows is not None
    assert changed.rows.bases[:253] == tuple((number,) for number in range(253))
    assert changed.rows.bases[255] == (before["rus_Cyrl"],)
    assert changed.notes == (
        "xx: 2 characters are missing (ң ө): 60.00% of its characters, in 100.00% of its lines",
        "no character is missing for de, en",
        "added: 2 characters, xxx_Cyrl (like rus_Cyrl); the ids of all that was there stay",
        "all of 80 lines of de, en are cut as before",
    )


def test_without_a_relative_a_tag_is_the_mean_of_all() -> None:
    changed = change(new={"xxx_Cyrl": None})
    assert changed.rows is not None
    assert sorted(changed.rows.bases[255]) == sorted(ids_of(content_of("nllb"))[tag] for tag in TAGS)
    assert "xxx_Cyrl (like the mean of all tags)" in changed.notes[2]


@pytest.mark.parametrize(
    ("characters", "added"), [(False, []), (True, ["ң", "ө"]), ("all", ["ң", "ө", "ж"])], ids=["none", "new", "all"]
)
def test_the_setting_says_whose_characters_come(characters: Characters, added: list[str]) -> None:
    changed = change({**TEXTS, "de": [*TEXTS["de"], "ж"]}, characters=characters)
    new = ids_of(changed.content).keys() - ids_of(content_of("nllb")).keys() - {"xxx_Cyrl"}
    assert new == set(added)
    assert changed.notes[0].startswith("de: 1 character is missing (ж)"), "it is told in any case"


def test_pieces_are_learnt_from_the_new_language() -> None:
    changed = change(pieces=2)
    assert {"▁ңa", "ңa"} & (ids_of(changed.content).keys() - ids_of(content_of("nllb")).keys())
    assert "added: 2 characters, 2 pieces, xxx_Cyrl" in changed.notes[2]
    with pytest.raises(ConfigError, match=r"\d+"):
        change(pieces=100_000)


def test_text_that_is_cut_otherwise_is_told() -> None:
    texts = {**TEXTS, "en": [*TEXTS["en"], "thecat"], "xx": ["thecat"] * 50}
    changed = change(texts, pieces=1, characters=False)
    assert changed.notes[-2].startswith("en, which the model knows: 1 of 41 lines (2.44%) is cut otherwise, into ")
    assert changed.notes[-1] == "all of 40 lines of de are cut as before"
    assert "lower pieces" not in changed.notes[-2]


def test_what_helps_is_told_where_much_is_cut_otherwise() -> None:
    texts = {**TEXTS, "en": [*TEXTS["en"], *["thecat"] * 4], "xx": ["thecat"] * 50}
    (note,) = [line for line in change(texts, pieces=1, characters=False).notes if line.startswith("en, ")]
    assert "4 of 44 lines (9.09%) are cut otherwise, into " in note
    assert note.endswith(
        "; the model has not seen en cut like this: lower pieces, or train on pairs of en too (sampling.replay)"
    )


def test_trimming_keeps_what_the_languages_need() -> None:
    whole, trimmed = change(), change(trim=True)
    assert len(ids_of(trimmed.content)) < len(ids_of(whole.content))
    kept = ids_of(trimmed.content)
    assert {"deu_Latn", "eng_Latn", "xxx_Cyrl", "<s>", "<mask>", "z", "ı"} <= kept.keys(), "letters of its scripts stay"
    assert not {"rus_Cyrl", "fra_Latn", "madeupword0"} & kept.keys()
    one, two = tokenizer_of(whole.content), tokenizer_of(trimmed.content)
    for line in [line for lines in TEXTS.values() for line in lines]:
        assert one.encode(line, add_special_tokens=False).tokens == two.encode(line, add_special_tokens=False).tokens
    assert trimmed.rows is not None
    assert len(trimmed.rows.bases) == len(kept)
    base = ids_of(content_of("nllb"))
    assert all(trimmed.rows.bases[kept[token]] == (base[token],) for token in kept if token in base)
    assert trimmed.notes[-1] == f"trimmed: {len(kept)} of 256 embeddings are kept ({len(kept) / 256:.1%}); " + (
        "old pieces keep their order, ids change (RUN/best/pretrained_vocabulary.json)"
    )
    assert not any("stay" in note for note in trimmed.notes)


def test_trimming_alone_needs_no_new_language() -> None:
    tags = {"de": "deu_Latn", "en": "eng_Latn"}
    changed = change({"de": TEXTS["de"], "en": TEXTS["en"]}, tags, {}, trim=True)
    assert changed.rows is not None
    assert len(changed.rows.bases) < 253


def test_without_text_only_tags_come() -> None:
    changed = change(dict.fromkeys(TAGGED, ()))
    assert ids_of(changed.content)["xxx_Cyrl"] == 253
    assert changed.notes[0] == "no character is missing for de, en, xx"


@pytest.mark.parametrize(
    ("new", "given", "message"),
    [
        ({"xx": ("rus_Cyrl", None)}, {}, r"new_languages\.xx: the folder has the tag rus_Cyrl already; use it with "),
        ({"xx": ("a_A", None), "yy": ("a_A", None)}, {}, r"new_languages\.yy: the tag a_A is xx's too; give each"),
        (
            {"xx": ("a_A", "kaz_Cyrl")},
            {},
            r"xx\.like: 'kaz_Cyrl' is neither a tag of the folder .*it has 9 tags, such as azj_Latn, ",
        ),
        ({"xx": ("a_A", None)}, {"xx": "rus_Cyrl"}, r"new_languages\.xx: model\.languages names xx too, as rus_Cyrl"),
    ],
)
def test_new_tags_that_cannot_be_are_refused(new, given, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_new(TAGS, given, new)


def test_new_tags_that_can_be_are_not() -> None:
    check_new(TAGS, {"de": "deu_Latn"}, {"xx": ("xxx_Cyrl", "rus_Cyrl"), "yy": ("yyy_Latn", None)})


@pytest.mark.parametrize("value", ["yes", 1, None, "none"])
def test_characters_are_true_false_or_all(value: Any) -> None:
    with pytest.raises(ValidationError, match="input should be true, false or all"):
        TypeAdapter(Characters).validate_python(value)


def test_scripts_are_told_by_names() -> None:
    assert [script_of(letter) for letter in "aжあ字ب१ !"] == [
        "LATIN",
        "CYRILLIC",
        "HIRAGANA",
        "CJK",
        "ARABIC",
        "",
        "",
        "",
    ]


def test_notes_are_said_one_by_one() -> None:
    found: list[str] = []
    say_all(["a", "b"], found.append)
    assert found == ["vocabulary: a", "vocabulary: b"]
