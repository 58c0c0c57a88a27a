"""benchmarks/collectives.py: the collectives of a step on many processes, which docs/distributed.md promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.collectives import METHODS, count_collectives, make_config, stand_ins

from catscale.data.config import DataConfig
from catscale.data.preparation.prepare import prepare
from catscale.data.store.store import Store
from catscale.vocabulary.training import SentencePieceSettings
from tests.cli.toy import write_corpus

pytestmark = pytest.mark.slow  # tests/training/test_sums_of_a_step.py has an ordinary step's
TASKS = 2
"""Directions of the toy corpus, all of which each step holds."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("collectives")
    corpus = write_corpus(root / "corpus", "moses", {"xa": 80, "xb": 40})
    data = DataConfig(format="moses", path=corpus, source="en", targets="all", store=root / "store")
    return prepare(data, SentencePieceSettings(size=160))


@pytest.fixture(scope="module", autouse=True)
def processes() -> Iterator[None]:
    with stand_ins(2):
        yield


@pytest.mark.parametrize(
    ("measured", "low_memory", "small", "buckets"),
    [
        ("nothing", False, 1, 1),
        ("products", False, 3, 1),  # losses, products, and the norm with what else there is to say
        ("products", True, 3, 1),
        ("Gram matrix", False, 3, TASKS),
    ],
)
def test_a_replicated_step(
    store: Store, tmp_path: Path, measured: str, low_memory: bool, small: int, buckets: int
) -> None:
    config = make_config(METHODS[measured], sharded=False, low_memory=low_memory)
    assert count_collectives(config, store, tmp_path, 2) == {"small": small, "buckets": buckets}


def test_a_sharded_step_has_one_small_sum_and_scatters_once(store: Store, tmp_path: Path) -> None:
    found = count_collectives(make_config(METHODS["nothing"], sharded=True), store, tmp_path, 2)
    layers = 2 * 2 + 1  # of preset tiny, and the rest
    assert (found["small"], found["buckets"], found["scatters"]) == (1, 0, layers)
    assert found["gathers"] % (2 * layers - 1) == 0
