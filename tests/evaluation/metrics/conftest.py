import pytest

from catscale.evaluation.metrics.spbleu import FILE
from tests.comparison.corpora import train_pieces


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """sacreBLEU's cache with a small model in the place of that of FLORES-200."""
    folder = tmp_path_factory.mktemp("sacrebleu")
    (folder / "models").mkdir()
    train_pieces(folder / "models" / FILE)
    return folder


@pytest.fixture
def at_hand(cache, monkeypatch):
    """Every metric can be computed."""
    monkeypatch.setenv("SACREBLEU", str(cache))
    return cache
