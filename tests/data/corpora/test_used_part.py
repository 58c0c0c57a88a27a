from catscale.data.config import DataConfig, HoldoutConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction
from tests.data.toy_corpora import sentences, write_moses

EN_DE, DE_EN = Direction("en", "de"), Direction("de", "en")


def parts(tmp_path):
    write_moses(tmp_path / "true", {"train": 3, "dev": 2})
    write_moses(tmp_path / "made", {"train": 5})
    return [
        {"format": "moses", "path": tmp_path / "true"},
        {"format": "moses", "path": tmp_path / "made", "use": ["train"], "tag": "bt", "directions": ["en-de"]},
    ]


def test_directions_of_a_corpus(tmp_path):
    corpus = Corpus(DataConfig(corpora=parts(tmp_path), directions=["en-de", "de-en"]))
    assert [sum(1 for _ in corpus.pairs("train", direction)) for direction in (EN_DE, DE_EN)] == [8, 3]
    alone = Corpus(DataConfig(corpora=parts(tmp_path)[1:], source="all", target="all", holdout=HoldoutConfig()))
    assert alone.available == (EN_DE,)


def test_pairs_come_with_the_tag_of_their_corpus(tmp_path):
    corpus = Corpus(DataConfig(corpora=parts(tmp_path), directions=["en-de"]))
    assert corpus.tags == ("bt",)
    found = [(tag, sum(1 for _ in pairs)) for tag, pairs in corpus.tagged_pairs(EN_DE)]
    assert found == [(None, 3), ("bt", 5)]


def test_what_is_tagged_and_for_train_alone_gives_no_dev(tmp_path):
    given = parts(tmp_path)
    corpus = Corpus(DataConfig(corpora=given, directions=["en-de"]))
    assert [source for source, _ in corpus.pairs_to_hold_out(EN_DE)] == sentences("en", 3)
    del given[1]["use"]
    corpus = Corpus(DataConfig(corpora=given, directions=["en-de"]))
    assert sum(1 for _ in corpus.pairs_to_hold_out(EN_DE)) == 8
