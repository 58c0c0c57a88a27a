import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.toy import write_config, write_corpus
from tests.faults import accidents

SETTINGS = {"max_steps": 6, "validate_every": 2, "log_every": 1}
CATS = {"method": "cats", "inner_steps": 2}
EVERY = int(os.environ.get("CATSCALE_FAULTS_EVERY", "1"))
"""Of the writes of a command, every how many-th has its accident."""
TRIES = int(os.environ.get("CATSCALE_FAULTS_TRIES", "50"))
"""Kills at random moments."""
SEED = int(os.environ.get("CATSCALE_FAULTS_SEED", "1"))
Record = Callable[..., None]


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest run that has everything: two tasks, dropout, CATS, three checkpoints of which two are kept."""
    root = tmp_path_factory.mktemp("faults")
    corpus = write_corpus(root / "corpus", "moses", {"xa": 120, "xb": 60}, dev=8, test=8)
    return write_config(root / "toy.yaml", corpus, root / "store", balancing=CATS, training=SETTINGS)


@pytest.fixture(scope="session")
def whole(config: Path) -> Path:
    """The undisturbed run, evaluated."""
    run = config.parent / "whole"
    for arguments in (["train", config, "--out", run], ["evaluate", run]):
        ended = accidents.run(arguments, run, config.parent / "whole.log")
        assert ended.status == 0, ended.text
    return run


@pytest.fixture(scope="session")
def trained(config: Path) -> Path:
    """The undisturbed run."""
    run = config.parent / "trained"
    ended = accidents.run(["train", config, "--out", run], run, config.parent / "trained.log")
    assert ended.status == 0, ended.text
    return run


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Iterator[Record]:
    """Notes a line of the table in docs/faults.md; written where CATSCALE_FAULTS_TABLE says."""
    started, rows = time.monotonic(), []

    def note(what: str, tried: int, outcome: str) -> None:
        rows.append({"what": what, "tried": tried, "outcome": outcome})

    yield note
    path = os.environ.get("CATSCALE_FAULTS_TABLE")
    if path and rows:
        with open(path, "a", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row | {"seconds": round(time.monotonic() - started)}) + "\n")
