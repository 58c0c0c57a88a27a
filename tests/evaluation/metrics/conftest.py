import sys

import pytest

from catscale.evaluation.metrics.spbleu import FILE
from tests.comparison.corpora import train_pieces

FAKE = """
import os
__version__ = "0.0-fake"
print("what a library prints", flush=True)

class Model:
    def predict(self, sentences, batch_size, gpus, progress_bar):
        assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"
        if any(each["mt"] == "fail" for each in sentences):
            raise RuntimeError("the model fails")
        if any(each["mt"] == "exit" for each in sentences):
            os._exit(7)
        scores = []
        for each in sentences:
            ours, theirs = set(each["mt"].split()), set(each["ref"].split())
            scores.append(2 * len(ours & theirs) / max(1, len(ours) + len(theirs)) - 0.25)
        return {"scores": scores[:-1] if any(each["mt"] == "short" for each in sentences) else scores}

def load_from_checkpoint(path):
    assert open(path).read() == "weights", "no model"
    return Model()
"""


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """sacreBLEU's cache with a small model in the place of that of FLORES-200."""
    folder = tmp_path_factory.mktemp("sacrebleu")
    (folder / "models").mkdir()
    train_pieces(folder / "models" / FILE)
    return folder


@pytest.fixture(scope="session")
def comet_folder(tmp_path_factory):
    """A folder of packages with stand-ins for COMET's library and PyTorch, and of a model."""
    folder = tmp_path_factory.mktemp("comet")
    (folder / "comet.py").write_text(FAKE)
    (folder / "torch.py").write_text("class cuda:\n    is_available = staticmethod(lambda: False)\n")
    (folder / "model" / "checkpoints").mkdir(parents=True)
    (folder / "model" / "checkpoints" / "model.ckpt").write_text("weights")
    return folder


@pytest.fixture
def comet(comet_folder, monkeypatch):
    """COMET can be computed, by the share of words that translation and reference have in common."""
    monkeypatch.setenv("PYTHONPATH", str(comet_folder))
    monkeypatch.setenv("CATSCALE_COMET_PYTHON", sys.executable)
    monkeypatch.setenv("CATSCALE_COMET_MODEL", str(comet_folder / "model"))
    return comet_folder


@pytest.fixture
def at_hand(cache, comet, monkeypatch):
    """Every metric can be computed."""
    monkeypatch.setenv("SACREBLEU", str(cache))
    return cache
