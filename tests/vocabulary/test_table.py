"""The table of kinds, and what a folder or a file is taken for."""

import json
from pathlib import Path

import pytest

from catscale.errors import DataError
from catscale.vocabulary.contract import FIRST_KIND, KIND_FILE
from catscale.vocabulary.sentencepiece import SentencePieceVocabulary
from catscale.vocabulary.table import KINDS, kind_of, load_existing, load_vocabulary
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import sentences

LINES = sentences("en", 200)


@pytest.fixture(scope="module")
def vocabulary() -> SentencePieceVocabulary:
    return train_vocabulary(SentencePieceSettings(size=60), LINES, ["en", "az"])


def test_a_folder_that_names_no_kind_is_of_the_first(tmp_path: Path) -> None:
    assert FIRST_KIND == "sentencepiece"
    assert kind_of(tmp_path) is KINDS["sentencepiece"]
    (tmp_path / KIND_FILE).write_text('{"kind": "sentencepiece"}')
    assert kind_of(tmp_path) is KINDS["sentencepiece"]


@pytest.mark.parametrize("load", [kind_of, load_vocabulary, load_existing])
def test_a_kind_of_another_version_is_refused(load, tmp_path: Path) -> None:
    (tmp_path / KIND_FILE).write_text(json.dumps({"kind": "sentencepiecf"}))
    message = (
        r"kind 'sentencepiecf', which this version does not have; did you mean 'sentencepiece'.*install the version"
    )
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_a_name_is_shown_in_part(tmp_path: Path) -> None:
    (tmp_path / KIND_FILE).write_text(json.dumps({"kind": "x" * 500}))
    with pytest.raises(DataError, match=f"the kind '{'x' * 80}',"):
        kind_of(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"kind": 1}', "{"])
def test_a_damaged_file_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / KIND_FILE).write_text(content)
    with pytest.raises(DataError, match=rf"{KIND_FILE}.*restore the folder, or prepare again"):
        kind_of(tmp_path)


def test_a_vocabulary_loads_with_its_tags(vocabulary: SentencePieceVocabulary, tmp_path: Path) -> None:
    vocabulary.save(tmp_path)
    loaded = load_vocabulary(tmp_path)
    assert loaded.is_same(vocabulary)
    assert loaded.languages == ("en", "az")


def test_what_cuts_text_is_a_folder_or_a_file(vocabulary: SentencePieceVocabulary, tmp_path: Path) -> None:
    vocabulary.save(tmp_path / "folder")
    (tmp_path / "file").write_bytes(vocabulary.model)
    for path in (tmp_path / "folder", tmp_path / "file", tmp_path / "folder" / "sentencepiece.bpe.model"):
        assert load_existing(path).encode(LINES) == vocabulary.encode(LINES)
    with pytest.raises(DataError, match=r"none is no readable SentencePiece model"):
        load_existing(tmp_path / "none")
