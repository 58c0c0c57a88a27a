"""A model that brings its vocabulary along fills in that section, and nothing may contradict it."""

from pathlib import Path
from typing import Any

import pytest

from catscale.data.config import DataConfig
from catscale.errors import ConfigError
from catscale.model.m2m100 import M2M100
from catscale.model.pretrained import Pretrained
from catscale.run.config import RunConfig, dump_config, parse_config
from catscale.run.model_vocabulary import join_vocabulary
from catscale.system.reading.yaml_file import parse_yaml
from catscale.vocabulary.pretrained.settings import NewLanguage, PretrainedVocabularySettings
from catscale.vocabulary.training import SentencePieceSettings
from tests.unchecked import unchecked

DATA = {"format": "moses", "path": "corpus", "directions": ["en-de"]}
MODEL = {"pretrained": "folder", "languages": {"en": "eng_Latn"}, "pieces": 3, "new_languages": {"xx": {"tag": "x_X"}}}


def parse(model: Any, vocabulary: Any = None, **more: Any) -> RunConfig:
    given = {} if vocabulary is None else {"vocabulary": vocabulary}
    return parse_config({"data": DATA, "model": model, **given}, "my.yaml", **more)


def test_the_vocabulary_follows_from_the_model() -> None:
    found = parse(MODEL).vocabulary
    assert isinstance(found, PretrainedVocabularySettings)
    assert (found.path, found.languages, found.pieces) == (Path("folder"), {"en": "eng_Latn"}, 3)
    assert found.new_languages == {"xx": NewLanguage(tag="x_X")}


def test_what_the_model_does_not_say_may_be_given() -> None:
    found = parse(MODEL, {"max_unknown": 0.5, "sample_lines": 10}).vocabulary
    assert (found.max_unknown, found.sample_lines, found.kind) == (0.5, 10, "pretrained")


def test_the_folder_need_not_be_there_and_stays_unread() -> None:
    assert isinstance(parse({"pretrained": "/gone"}).model, Pretrained)


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (
            {"kind": "sentencepiece"},
            r"vocabulary\.kind contradicts model\.pretrained, .*found 'sentencepiece' for 'pre",
        ),
        ({"path": "other"}, r"vocabulary\.path contradicts model\.pretrained, .*'other' for 'folder'; leave vocab"),
        (
            {"pieces": 4},
            r"vocabulary\.pieces contradicts model\.pretrained, .*found 4 for 3; leave vocabulary\.pieces out",
        ),
        ({"size": 8000}, r"vocabulary\.size: unknown key; the vocabulary is that of the pre-trained model"),
        (
            {"normalisation": "identity"},
            r"vocabulary\.normalisation: unknown key; the vocabulary is that of the pre-tr",
        ),
        ({"max_unknown": "x"}, r"vocabulary\.max_unknown: "),
    ],
)
def test_what_contradicts_is_refused(vocabulary: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as told:
        parse(MODEL, vocabulary)
    assert "directions" not in str(told.value), "the whole configuration is no part of the message"


def test_a_wrong_model_is_named_and_the_vocabulary_is_not() -> None:
    with pytest.raises(ConfigError, match=r"my\.yaml has 1 problem:\n  model\.pieces: .*found -1$"):
        parse({**MODEL, "pieces": -1})
    with pytest.raises(ConfigError, match=r"model\.characters: input should be true, false or all, found 'yes'$"):
        parse({**MODEL, "characters": "yes"})
    with pytest.raises(ConfigError, match=r"model\.new_languages\.xx\.tog: unknown key; did you mean tag\?"):
        parse({**MODEL, "new_languages": {"xx": {"tog": "x_X"}}})


def test_the_resolved_configuration_loads_as_it_is() -> None:
    config = parse(MODEL)
    content = parse_yaml(dump_config(config))
    assert content["model"]["pretrained"] == content["vocabulary"]["path"] == str(Path("folder").absolute())
    again = parse_config(content, "config.yaml", is_of_run=True)
    assert dump_config(again) == dump_config(config)


def test_settings_as_objects_are_joined_too() -> None:
    data: DataConfig = unchecked(DataConfig)(**DATA)
    config = RunConfig(data=data, model=unchecked(Pretrained)(**MODEL))
    assert config.vocabulary == parse(MODEL).vocabulary
    with pytest.raises(ConfigError, match=r"vocabulary\.kind contradicts|vocabulary\.size"):
        RunConfig(
            data=data,
            model=unchecked(Pretrained)(**MODEL),
            vocabulary=SentencePieceSettings(size=7, kind="sentencepiece"),
        )


def test_variables_in_the_path_mean_the_same_in_both_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BASES", "/models")
    found = parse({"pretrained": "${BASES}/nllb"})
    assert unchecked(found.vocabulary).path == unchecked(found.model).pretrained == Path("/models/nllb")
    literal = parse({"pretrained": "${BASES}/nllb"}, is_of_run=True)
    assert unchecked(literal.vocabulary).path == Path("${BASES}/nllb")


def test_other_models_take_any_vocabulary() -> None:
    content = {"data": DATA, "model": {"preset": "tiny"}, "vocabulary": {"size": 50}}
    assert join_vocabulary(content) == content
    assert join_vocabulary({"data": DATA}) == {"data": DATA}
    assert join_vocabulary({"model": M2M100()}) == {"model": M2M100()}
    assert join_vocabulary({"model": 3, "vocabulary": 4}) == {"model": 3, "vocabulary": 4}
