"""Pairs of files and of stores, block by block."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catscale.corpus_statistics import sources as module
from catscale.corpus_statistics.sources import CorpusTexts, StoreTexts, cut_blocks, load_pieces
from catscale.data import DataConfig, Direction, Store
from catscale.data.corpora.corpus import Corpus
from catscale.errors import DataError
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import sentences, write_moses

EN_DE = Direction("en", "de")
SIZES = {"train": 7, "dev": 3}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_moses(tmp_path / "corpus", SIZES)


def texts_of(root: Path, **changes: Any) -> CorpusTexts:
    given: dict[str, Any] = {"format": "moses", "path": root, "directions": ["en-de"]}
    corpus = Corpus(DataConfig(**given | changes))
    return CorpusTexts(corpus, corpus.directions)


def test_blocks_end_with_many_pairs_or_many_characters(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_PAIRS", 3)
    monkeypatch.setattr(module, "BLOCK_CHARACTERS", 10)
    short, long = ("a", "b"), ("a" * 9, "b")
    assert list(map(len, cut_blocks([short] * 7))) == [3, 3, 1]
    assert list(map(len, cut_blocks([short, long, long, short]))) == [2, 1, 1]
    assert list(cut_blocks([])) == []
    assert [pair for block in cut_blocks([short, long] * 5) for pair in block] == [short, long] * 5


def test_files_have_the_splits_that_are_there(root):
    texts = texts_of(root)
    assert texts.parts() == [("train", EN_DE), ("dev", EN_DE)]
    (block,) = texts.blocks(("dev", EN_DE))
    assert block.pairs == list(zip(sentences("en", 3, 7), sentences("de", 3, 7), strict=True))
    assert block.pieces is None
    files = [root / "dev.en", root / "dev.de"]
    assert texts.size(("dev", EN_DE)) == sum(len(path.read_bytes()) for path in files)
    places = [(Path(path).name, line) for path, line, _ in texts.located(("dev", EN_DE))]
    assert places == [("dev.de", 1), ("dev.de", 2), ("dev.de", 3)]


def test_splits_that_are_made_are_no_files(root):
    assert texts_of(root, holdout={"dev": 1, "test": 1}).parts() == [("train", EN_DE), ("dev", EN_DE)]
    (root / "dev.de").unlink()
    (root / "dev.en").unlink()
    assert texts_of(root, holdout={"dev": 1, "test": 1}).parts() == [("train", EN_DE)]


def test_the_limit_and_the_rules_are_of_train_alone(root):
    texts = texts_of(root, limit={"en-de": 2})
    assert [len(block.pairs) for part in texts.parts() for block in texts.blocks(part)] == [2, 3]
    assert texts.rules(("train", EN_DE)) == texts.corpus.config.cleaning
    assert texts.rules(("dev", EN_DE)) is None


def test_pieces_of_each_side_are_counted(root, tmp_path):
    lines = sentences("en", 200) + sentences("de", 200)
    vocabulary = train_vocabulary(SentencePieceSettings(size=80), lines, ["en"])
    (tmp_path / "model").write_bytes(vocabulary.model)
    texts = CorpusTexts(texts_of(root).corpus, (EN_DE,), tmp_path / "model")
    (block,) = texts.blocks(("dev", EN_DE))
    for side, language in enumerate(("en", "de")):
        assert block.pieces[side].tolist() == [len(ids) for ids in vocabulary.encode(sentences(language, 3, 7))]
        assert block.pieces[side].dtype == np.int64
    with pytest.raises(DataError, match="is no readable SentencePiece model"):
        load_pieces(tmp_path / "none")


def test_what_is_no_store_is_refused(tmp_path):
    with pytest.raises(DataError, match="is no token store"):
        StoreTexts(tmp_path).parts()
    with pytest.raises(DataError, match="is no token store"):
        Store.open(tmp_path)
