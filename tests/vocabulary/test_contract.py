"""What every kind of vocabulary in the table promises; a new kind is tested here by being listed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from catscale.errors import ConfigError, DataError
from catscale.run.config import RunConfig, parse_config
from catscale.vocabulary.checks import CHECKS, VocabularyCase, check_vocabulary
from catscale.vocabulary.contract import FIRST_KIND, KIND_FILE, VocabularySettings
from catscale.vocabulary.pretrained.settings import PretrainedVocabularySettings
from catscale.vocabulary.sentencepiece import SentencePieceVocabulary
from catscale.vocabulary.table import KINDS, VocabularyKind, kind_of, load_existing, load_vocabulary
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import sentences
from tests.model.nllb_folder import write_nllb_folder
from tests.unchecked import unchecked

LINES = [line for language in ("en", "de", "az") for line in sentences(language, 200)]
FOLDER = Path("here")
SETTINGS: dict[str, VocabularySettings] = {
    "sentencepiece": SentencePieceSettings(size=120),
    "pretrained": PretrainedVocabularySettings(path=FOLDER),
}
NEEDED: dict[str, dict[str, Any]] = {"pretrained": {"path": FOLDER}}
"""Settings without a default; the folder is one that a fixture makes."""
MINIMAL = {"data": {"format": "moses", "path": "c", "directions": ["en-de"]}}


@pytest.fixture(scope="module", autouse=True)
def _in_a_folder_with(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Works where `FOLDER` is that of a model."""
    place = tmp_path_factory.mktemp("work")
    write_nllb_folder(place / FOLDER, lines=LINES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield


def settings_of(name: str) -> VocabularySettings:
    """Return a kind's settings with nothing given that has a default."""
    made: VocabularySettings = unchecked(KINDS[name].settings)(**NEEDED.get(name, {}))
    return made


def case_of(name: str) -> VocabularyCase:
    """Return what a kind of the table is tried on."""
    kind = KINDS[name]
    return VocabularyCase(SETTINGS.get(name) or settings_of(name), kind.vocabulary, LINES)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", KINDS)
def test_the_contract(name: str, check: Callable[[VocabularyCase], None]) -> None:
    check(case_of(name))


@pytest.mark.parametrize("name", KINDS)
def test_names_agree_with_the_table(name: str) -> None:
    assert (settings_of(name).kind, KINDS[name].vocabulary.kind) == (name, name)


@pytest.mark.parametrize("name", KINDS)
def test_a_folder_tells_its_kind(name: str, tmp_path: Path) -> None:
    vocabulary = case_of(name).build()
    vocabulary.save(tmp_path)
    assert kind_of(tmp_path) is KINDS[name]
    assert load_vocabulary(tmp_path).is_same(vocabulary)
    assert load_existing(tmp_path).encode(LINES) == vocabulary.encode(LINES)


@pytest.mark.parametrize("name", KINDS)
def test_settings_are_a_section_of_the_configuration(name: str) -> None:
    settings = settings_of(name)
    written = {**MINIMAL, "vocabulary": settings.model_dump(mode="json")}
    assert parse_config(written, "c.yaml").vocabulary == settings
    assert settings.with_absolute_path().as_in_first_version().kind == name


def test_what_names_no_kind_is_sentencepiece_s(tmp_path: Path) -> None:
    """As configurations, stores and runs of version 0.1 do."""
    config = parse_config({**MINIMAL, "vocabulary": {"size": 77}}, "c.yaml")
    assert config.vocabulary == SentencePieceSettings(size=77)
    assert RunConfig.model_validate(MINIMAL).vocabulary == SentencePieceSettings()
    case_of(FIRST_KIND).build().save(tmp_path)
    assert not (tmp_path / KIND_FILE).exists()
    assert isinstance(load_vocabulary(tmp_path), SentencePieceVocabulary)


def test_an_unknown_kind_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"vocabulary\.kind: .*sentencepiece"):
        parse_config({**MINIMAL, "vocabulary": {"kind": "sentencepeice"}}, "c.yaml")
    (tmp_path / KIND_FILE).write_text(json.dumps({"kind": "sentencepeice"}))
    with pytest.raises(DataError, match=r"a vocabulary of the kind 'sentencepeice'.*did you mean 'sentencepiece'"):
        load_vocabulary(tmp_path)
    (tmp_path / KIND_FILE).write_text('{"kind": 3}')
    with pytest.raises(DataError, match=r"vocabulary_kind\.json cannot be read .*restore the folder, or prepare again"):
        load_vocabulary(tmp_path)


class Forgetful(SentencePieceVocabulary):
    """Gives every language the same tag."""

    @property
    def tags(self) -> dict[str, int]:
        return dict.fromkeys(super().tags, self.pieces)


def test_the_checks_name_a_broken_promise() -> None:
    with pytest.raises(AssertionError, match="the settings build a SentencePieceVocabulary"):
        check_vocabulary(SETTINGS["sentencepiece"], Forgetful, LINES)


class Other(SentencePieceVocabulary):
    """Another kind."""

    kind = "other"


def test_a_folder_of_another_kind_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "other", VocabularyKind(SentencePieceSettings, Other))
    trained = train_vocabulary(SentencePieceSettings(size=60), LINES, ["en", "de"])
    Other(trained.model, ["en", "de"]).save(tmp_path)
    assert json.loads((tmp_path / KIND_FILE).read_text()) == {"kind": "other"}
    assert type(load_vocabulary(tmp_path)) is Other
    assert load_existing(tmp_path).encode(LINES) == trained.encode(LINES)
