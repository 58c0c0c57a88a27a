import pytest
import sentencepiece

from catscale.evaluation.metrics.spbleu import FILE
from tests.comparison.corpora import references


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """sacreBLEU's cache with a small model in the place of that of FLORES-200."""
    folder = tmp_path_factory.mktemp("sacrebleu")
    (folder / "models").mkdir()
    with (folder / "models" / FILE).open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(references(300)), model_writer=file, vocab_size=60, minloglevel=2
        )
    return folder


@pytest.fixture
def at_hand(cache, monkeypatch):
    """Every metric can be computed."""
    monkeypatch.setenv("SACREBLEU", str(cache))
    return cache
