"""Runs' folders that several commands meet."""

import json
from typing import Any

import pytest

from catscale.run.config import dump_config, load_config
from tests.cli.toy import write_config, write_corpus
from tests.comparison.fakes import write_run

SMALL: dict[str, Any] = {"sizes": {"en-az": 500}, "sentences": 20}
CATS: dict[str, Any] = {"balancing": {"method": "cats"}}


@pytest.fixture
def stranger(tmp_path):
    """A run's folder with what says where its data are; nothing was prepared."""
    corpus = write_corpus(tmp_path / "corpus", "moses", {"xa": 40}, dev=4, test=4)
    config = load_config(write_config(tmp_path / "toy.yaml", corpus, tmp_path / "elsewhere" / "store"))
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text(dump_config(config))
    (folder / "environment.json").write_text(json.dumps({"data_fingerprint": "0" * 64, "train_pairs": {"en-xa": 40}}))
    return folder


@pytest.fixture
def sweep(tmp_path):
    """OUT/METHOD/seed-N."""
    for seed in (1, 2):
        write_run(tmp_path / "sweep" / "T=5" / f"seed-{seed}", seed=seed, **SMALL)
        write_run(tmp_path / "sweep" / "cats" / f"seed-{seed}", seed=seed, **SMALL, **CATS)
    return tmp_path / "sweep"
