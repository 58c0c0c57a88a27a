import numpy as np
import pytest

from catscale.data import DataConfig, Direction, prepare
from catscale.data.batching import collate, plan_batches
from catscale.data.corpus_config import CorpusPart
from catscale.data.store.tagged_pairs import TaggedPairs
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.toy_corpora import write_moses

EN_DE = Direction("en", "de")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("tagged")
    corpora = [CorpusPart(format="moses", path=write_moses(root / "text", {"train": 40, "dev": 6}), tag="bible")]
    config = DataConfig(corpora=corpora, directions=["en-de"], store=root / "store")
    return prepare(config, SentencePieceSettings(size=60))


def test_train_has_the_tag_and_dev_has_none_unless_it_is_asked_for(store):
    tag, pairs = store.vocabulary.corpus_tag("bible"), store.split("dev", EN_DE)
    train = store.split("train", EN_DE)
    assert all(train.source(n)[0] == tag for n in range(len(train)))
    tagged = TaggedPairs(pairs, tag)
    assert len(tagged) == 6
    for n in range(6):
        assert tag not in pairs.source(n)
        assert tagged.source(n).tolist() == [tag, *pairs.source(n).tolist()]
        assert tagged.target(n).tolist() == pairs.target(n).tolist()
    assert tagged.source_lengths.tolist() == [len(tagged.source(n)) for n in range(6)]
    assert tagged.target_tokens == pairs.target_tokens
    assert [side.tolist() for side in tagged.lengths(np.array([1, 3]))] == [
        tagged.source_lengths[[1, 3]].tolist(),
        tagged.target_lengths[[1, 3]].tolist(),
    ]
    sources, targets = tagged.take(np.array([3, 1]))
    assert sources.ids.tolist() == [*tagged.source(3).tolist(), *tagged.source(1).tolist()]
    assert sources.lengths.tolist() == tagged.source_lengths[[3, 1]].tolist()
    assert targets.ids.tolist() == [*pairs.target(3).tolist(), *pairs.target(1).tolist()]
    assert (tagged.source_text(), tagged.target_text()) == (pairs.source_text(), pairs.target_text())
    assert tagged.further_references() == []


def test_a_batch_has_the_tag_behind_that_of_the_language(store):
    tagged = TaggedPairs(store.split("dev", EN_DE), store.vocabulary.corpus_tag("bible"))
    (indices,) = plan_batches(tagged.source_lengths, tagged.target_lengths, 10_000)
    batch = collate(tagged, indices, store.vocabulary, EN_DE)
    assert set(batch.input_ids[:, 0].tolist()) == {store.vocabulary.tag("en")}
    assert set(batch.input_ids[:, 1].tolist()) == {store.vocabulary.corpus_tag("bible")}
