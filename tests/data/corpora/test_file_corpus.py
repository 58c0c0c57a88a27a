"""A corpus of files: its directions, its pairs and what it says of itself."""

from pathlib import Path
from typing import Any

import pytest

from catscale.data.corpora.file_corpus import FileCorpus
from catscale.data.corpus_config import CorpusConfig
from catscale.data.direction import Direction
from catscale.errors import DataError
from tests.data.toy_corpora import sentences, write, write_jsonl, write_moses

EN_DE, DE_EN = Direction("en", "de"), Direction("de", "en")


def corpus_of(path: Path, form: str = "moses", **settings: Any) -> FileCorpus:
    return FileCorpus(CorpusConfig(format=form, path=path, **settings))


def test_files_of_one_language_each(tmp_path: Path) -> None:
    corpus = corpus_of(write_moses(tmp_path, {"train": 3, "dev": 2}))
    assert corpus.available() == {EN_DE, DE_EN}
    assert corpus.inputs("dev", DE_EN) == (tmp_path / "dev.de", tmp_path / "dev.en")
    assert corpus.inputs("test", EN_DE) is None
    assert list(corpus.pairs("train", DE_EN)) == list(zip(sentences("de", 3), sentences("en", 3), strict=True))
    assert [line for _, line, _ in corpus.located("dev", EN_DE)] == [1, 2]
    assert corpus.holds("dev", EN_DE)
    assert not corpus.holds("test", EN_DE)


def test_files_of_both_sides_tell_their_languages(tmp_path: Path) -> None:
    pairs = [{"en": "a cat", "de": "eine Katze"}, {"en": "a dog", "az": "bir it"}]
    write_jsonl(tmp_path / "train.jsonl", pairs)
    corpus = corpus_of(tmp_path, "jsonl")
    assert {str(d) for d in corpus.available()} == {"en-de", "de-en", "en-az", "az-en"}
    assert list(corpus.pairs("train", Direction("az", "en"))) == [("bir it", "a dog")]
    assert [line for _, line, _ in corpus.located("train", Direction("en", "az"))] == [2]
    assert not corpus.holds("train", Direction("de", "az"))


def test_references_are_inputs_of_dev_and_test_alone(tmp_path: Path) -> None:
    write_moses(tmp_path, {"train": 3, "dev": 2})
    for name in ("train.de.1", "dev.de.1"):
        write(tmp_path / name, ["x"] * 2)
    corpus = corpus_of(tmp_path)
    assert corpus.references("dev", EN_DE) == (tmp_path / "dev.de.1",)
    assert corpus.inputs("dev", EN_DE) == (tmp_path / "dev.en", tmp_path / "dev.de", tmp_path / "dev.de.1")
    assert corpus.references("train", EN_DE) == ()


def test_a_hyphen_of_the_files_is_told(tmp_path: Path) -> None:
    for language in ("en", "pt-BR"):
        write(tmp_path / f"train.{language}", ["x"])
    corpus = corpus_of(tmp_path)
    assert Direction("en", "pt_BR") in corpus.available()
    assert corpus.inputs("train", Direction("en", "pt_BR")) == (tmp_path / "train.en", tmp_path / "train.pt-BR")
    assert corpus.renamed == {"pt-BR": "pt_BR"}


def test_columns_by_index_need_one_for_every_language(tmp_path: Path) -> None:
    write(tmp_path / "train.tsv", ["eine Katze\ta cat"])
    corpus = corpus_of(tmp_path, "tsv", columns={"en": 1, "de": 0})
    assert corpus.available() == {EN_DE, DE_EN}
    assert list(corpus.pairs("train", EN_DE)) == [("a cat", "eine Katze")]
    with pytest.raises(DataError, match=r"gives an index for en, de and none for fr; .*so add it"):
        list(corpus.pairs("train", Direction("en", "fr")))


def test_what_was_looked_for_and_found_is_described(tmp_path: Path) -> None:
    write(tmp_path / "corpus.txt", ["x"])
    corpus = corpus_of(tmp_path)
    assert corpus.available() == set()
    assert "no train file has one of the names" in corpus.describe()
    assert "there are corpus.txt" in corpus.describe()
    assert corpus.expected("dev", EN_DE)[0].endswith(("dev.en-de.de", "dev.de"))
    write_jsonl(tmp_path / "j" / "train.jsonl", [{"en": "a"}])
    described = corpus_of(tmp_path / "j", "jsonl").describe()
    assert "train files are there, and none holds two languages: train.jsonl holds en" in described


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.path .*none is not a folder"):
        corpus_of(tmp_path / "none")
