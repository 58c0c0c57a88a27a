from pathlib import Path

import pytest

from catscale.evaluation.metrics.spbleu import FILE
from tests.comparison.corpora import train_pieces


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """sacreBLEU's cache with a small model in the place of that of FLORES-200, for one test."""
    folder = tmp_path / "sacrebleu"
    (folder / "models").mkdir(parents=True)
    train_pieces(folder / "models" / FILE)
    monkeypatch.setenv("SACREBLEU", str(folder))
    return folder
