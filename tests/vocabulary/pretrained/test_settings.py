"""The section that makes the vocabulary of a pre-trained model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from catscale.errors import ConfigError, DataError
from catscale.vocabulary.pretrained.content import list_tags
from catscale.vocabulary.pretrained.settings import NewLanguage, PretrainedVocabularySettings
from catscale.vocabulary.pretrained.vocabulary import PretrainedVocabulary
from catscale.vocabulary.table import load_existing
from tests.data.toy_corpora import sentences
from tests.model.nllb_folder import TAGS
from tests.unchecked import unchecked
from tests.vocabulary.pretrained.folders import content_of, place

TEXTS = {"de": sentences("de", 40), "en": sentences("en", 40), "xx": ["ң ң ңa"] * 5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return place("nllb", tmp_path_factory.mktemp("base"))


def settings(folder: Path, **more: Any) -> PretrainedVocabularySettings:
    found: PretrainedVocabularySettings = unchecked(PretrainedVocabularySettings)(path=folder, **more)
    return found


def build(made: PretrainedVocabularySettings, texts: Any = TEXTS) -> tuple[PretrainedVocabulary, list[str]]:
    said: list[str] = []
    return made.build_from([], texts, said.append), said


def test_tags_are_the_folder_s(folder: Path) -> None:
    assert settings(folder).folder_tags == TAGS
    assert list_tags(content_of("m2m100"))[:2] == ("__af__", "__am__")


def test_a_vocabulary_has_the_languages_of_the_data(folder: Path) -> None:
    made, said = build(settings(folder, new_languages={"xx": {"tag": "xxx_Cyrl", "like": "ru"}}, pieces=1))
    token_of = {number: token for token, number in made.content["model"]["vocab"].items()}
    tags = {language: token_of[number] for language, number in made.tags.items()}
    assert tags == {"de": "deu_Latn", "en": "eng_Latn", "xx": "xxx_Cyrl"}
    assert said[0] == f"vocabulary: that of {folder}; de is deu_Latn, en is eng_Latn, xx is xxx_Cyrl"
    assert "vocabulary: added: 1 character, 1 piece, xxx_Cyrl (like rus_Cyrl)" in said[3]
    assert said[-1] == "the folder's own NllbTokenizer of transformers cuts all of 80 lines alike"
    assert made.notes == tuple(line.removeprefix("vocabulary: ") for line in said[1:-1])
    assert made.size == 253 + 3
    assert made.new_rows == 3
    trimmed, _ = build(settings(folder, new_languages={"xx": {"tag": "xxx_Cyrl", "like": "ru"}}, pieces=1, trim=True))
    assert trimmed.size < made.size
    assert trimmed.new_rows == 3


def test_without_text_it_has_tags_alone(folder: Path) -> None:
    made = settings(folder, new_languages={"xx": {"tag": "xxx_Cyrl"}}).build([], ["en", "xx"], lambda line: None)
    assert made.size == 254
    plain = settings(folder).build([], ["en"], lambda line: None)
    assert (plain.rows, plain.new_rows) == (None, 0)


def test_the_size_is_expected_before_any_text_is_read(folder: Path) -> None:
    assert settings(folder).expected_size == 253
    assert settings(folder, pieces=7, new_languages={"xx": {"tag": "xxx_Cyrl"}}).expected_size == 261


def test_the_files_decide_and_their_place_does_not(folder: Path) -> None:
    made = settings(folder, languages={"en": "eng_Latn"})
    assert [path.name for path in made.inputs] == ["tokenizer.json"]
    assert made.relevant()["rows"] == 253
    assert made.existing == folder
    assert "path" not in made.relevant()
    assert made.relevant()["languages"] == {"en": "eng_Latn"}
    assert settings(Path("here")).with_absolute_path().path == Path("here").absolute()


def test_a_new_language_s_tag_may_be_its_code(folder: Path) -> None:
    assert settings(folder, new_languages={"tyv_Cyrl": {}}).new_tags == {"tyv_Cyrl": ("tyv_Cyrl", None)}
    with pytest.raises(
        ConfigError, match=r"new_languages\.tyv has no tag, .*azj_Latn, .*give one, as in {tag: tyv_Latn}"
    ):
        settings(folder, new_languages={"tyv": NewLanguage(like="kk")}).check()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"languages": {"de": "ger_Latn"}}, r"model\.languages\.de: the folder has no tag 'ger_Latn'"),
        ({"new_languages": {"xx": {"tag": "rus_Cyrl"}}}, r"the folder has the tag rus_Cyrl already"),
        ({"new_languages": {"xx": {"tag": "xxx_Cyrl", "like": "kaz_Cyrl"}}}, r"'kaz_Cyrl' is neither a tag of"),
        (
            {"new_languages": {"xx": {"tag": "xxx_Latn", "like": "por_Lat"}}},
            r"'por_Lat' is neither a tag of the folder .*; did you mean '?por_Latn.*; leave like out to start from",
        ),
        ({"new_languages": {"x": {"tag": "x_X"}, "y": {"tag": "x_X"}}}, r"the tag x_X is x's too"),
        ({"pieces": 5}, r"model\.pieces trains pieces for model\.new_languages, found 5 and no new language"),
    ],
)
def test_what_cannot_be_is_refused_before_any_text_is_read(folder: Path, more: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings(folder, **more).check()


@pytest.mark.parametrize(
    ("languages", "more", "message"),
    [
        (["de", "zh"], {}, r"the code zh fits 2 tags of the folder, zho_Hans, zho_Hant"),
        (["de", "gl"], {}, r"no tag of the folder fits the code gl"),
        (["pt", "pt_BR"], {}, r"pt and pt_BR have one tag, por_Latn"),
        (["de"], {"new_languages": {"xx": {"tag": "xxx_Cyrl"}}}, r"names xx, which no direction of the data has"),
    ],
)
def test_languages_without_a_tag_are_refused(folder: Path, languages: Sequence[str], more: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings(folder, **more).check_languages(languages)


def test_more_pieces_than_the_text_gives_are_refused_by_the_section_s_name(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"^model: pieces must be no more than .*; lower pieces to \d+, or give more"):
        build(settings(folder, new_languages={"xx": {"tag": "xxx_Cyrl"}}, pieces=5000))


def test_a_tokenizer_that_cannot_be_used_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise ValueError("it is no tokenizer")

    monkeypatch.setattr("catscale.vocabulary.pretrained.settings.PretrainedVocabulary", refuse)
    with pytest.raises(DataError, match=r"cannot be used: it is no tokenizer; put the one that the model was trained"):
        settings(folder).build([], ["en"], lambda line: None)


def test_a_folder_that_transformers_cannot_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(base: object) -> None:
        raise TypeError("no such class")

    monkeypatch.setattr("catscale.vocabulary.pretrained.folder.BaseFolder.own_tokenizer", refuse)
    _, said = build(settings(folder), {"en": TEXTS["en"]})
    assert said[-1].startswith("warning: transformers cannot read the tokenizer of ")
    assert "(no such class)" in said[-1]


def test_statistics_take_a_folder_as_it_is(folder: Path) -> None:
    found = load_existing(folder)
    assert found.languages == TAGS
    assert found.encode(TEXTS["en"]) == settings(folder).build([], ["en"], lambda line: None).encode(TEXTS["en"])


@pytest.mark.parametrize(
    ("tag", "advice"),
    [
        ("glg Latn", "one word, without blanks; write glg_Latn"),
        (" x_X ", "around it; write x_X"),
        ("   ", "one word, without blanks; write tyv_Cyrl"),
    ],
)
def test_a_tag_is_one_word(tag: str, advice: str) -> None:
    with pytest.raises(ConfigError, match=rf"NewLanguage\.tag: must .*{advice}, found '"):
        NewLanguage(tag=tag)


def test_settings_of_another_kind_are_explained() -> None:
    with pytest.raises(ConfigError, match=r"size: unknown key; the vocabulary is that of the pre-trained model"):
        settings(Path("x"), size=100)
