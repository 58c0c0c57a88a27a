import pytest

from catscale.data import DataConfig, HoldoutConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.preparation.hashing import hash_sentences
from catscale.data.preparation.holdout import choose, find_held_out, gather, select
from tests.data.toy_corpora import write_moses


def find_all(corpus):
    holdout = corpus.config.holdout
    return gather(find_held_out(corpus, direction, holdout) for direction in corpus.directions)


@pytest.mark.parametrize(("size", "sizes"), [(1000, (50, 70)), (300, (30, 30)), (5, (1, 1))])
def test_at_most_a_tenth(size, sizes):
    hashes = hash_sentences("en", map(str, range(size)))
    hashes.sort()
    dev, test = choose(hashes, HoldoutConfig(dev=50, test=70))
    assert (dev.size, test.size) == sizes
    assert test.max() < dev.min()


def test_many_to_many_splits_share_no_source(tmp_path):
    write_moses(tmp_path, {"train": 400}, ("en", "de", "az"))
    config = DataConfig(
        format="moses", path=tmp_path, sources="all", targets="all", holdout=HoldoutConfig(dev=9, test=20)
    )
    corpus = Corpus(config)
    held_out = find_all(corpus)
    assert held_out.all.tolist() == held_out.from_train.tolist()
    assert len(held_out.constructed) == 2 * 6
    direction = corpus.directions[0]
    chosen = list(select(corpus.pairs("train", direction), direction, held_out.constructed["test", direction]))
    assert len(chosen) == len({source for source, _ in chosen}) == 20
    assert sorted(hash_sentences(direction.source, [s for s, _ in chosen])) == list(
        held_out.constructed["test", direction]
    )


def test_a_split_of_the_files_stays_where_none_is_made(tmp_path):
    write_moses(tmp_path, {"train": 50, "test": 7})
    config = DataConfig(format="moses", path=tmp_path, directions=["en-de"], holdout=HoldoutConfig(dev=3, test=0))
    held_out = find_all(Corpus(config))
    assert [split for split, _ in held_out.constructed] == ["dev"]
    assert (held_out.from_train.size, held_out.all.size) == (3, 10)
