"""The batch that gradients are measured on where it is not the step's."""

from types import SimpleNamespace
from typing import Any

import pytest

from catscale.balancing.methods.statistics_settings import StatisticsBatch
from catscale.data.batching import Batch
from catscale.data.direction import Direction
from catscale.training.statistics import StatisticsDraws
from tests.run.corpus import VOCABULARY, random_pairs

DE, GL, AZ = (Direction("en", language) for language in ("de", "gl", "az"))
TRAIN = {DE: random_pairs(1000, 3), GL: random_pairs(40, 4), AZ: random_pairs(2, 5)}
DEV = {DE: random_pairs(90, 6), GL: random_pairs(50, 7)}


def make_draws(seed: int = 1, max_tokens: int = 100) -> StatisticsDraws:
    setup: Any = SimpleNamespace(
        stream=SimpleNamespace(streams=[SimpleNamespace(direction=d, pairs=pairs) for d, pairs in TRAIN.items()]),
        validation=DEV,
        vocabulary=VOCABULARY,
        config=SimpleNamespace(pass_tokens=max_tokens, seed=seed),
    )
    return StatisticsDraws(setup)


def sentences(parts: list[Batch]) -> list[tuple[int, ...]]:
    return [tuple(token for token in row if token != -100) for part in parts for row in part.labels.tolist()]


def targets(pairs: Any) -> set[tuple[int, ...]]:
    return {(*pairs.target(number).tolist(), 2) for number in range(len(pairs))}


@pytest.mark.parametrize("tokens", [64, 300, 1024])
def test_each_task_has_about_these_tokens(tokens: int) -> None:
    found = make_draws().draw(StatisticsBatch(tokens, "train", True), 5)
    assert list(found) == ["en-de", "en-gl", "en-az"]
    assert sum(part.tokens for part in found["en-de"]) == pytest.approx(tokens, rel=0.35)
    assert all(len(parts) >= 2 for parts in found.values())
    assert all(part.labels.numel() <= min(100, tokens // 2) or len(part.labels) == 1 for part in found["en-de"])


def test_sentences_are_drawn_once_from_the_split() -> None:
    train = make_draws().draw(StatisticsBatch(400, "train", True), 5)
    drawn = sentences(train["en-de"])
    assert len(set(drawn)) > 0.95 * len(drawn)  # the corpus has short sentences twice
    assert set(drawn) <= targets(TRAIN[DE])
    dev = make_draws().draw(StatisticsBatch(400, "dev", False), 5)
    assert set(sentences(dev["en-de"])) <= targets(DEV[DE])
    assert set(sentences(dev["en-az"])) <= targets(TRAIN[AZ])  # it has no dev split


def test_a_small_task_is_taken_whole() -> None:
    found = make_draws().draw(StatisticsBatch(10_000, "train", True), 1)
    assert len(sentences(found["en-gl"])) == len(TRAIN[GL])
    assert set(sentences(found["en-gl"])) == targets(TRAIN[GL])


def test_seed_step_and_task_decide() -> None:
    wanted = StatisticsBatch(300, "train", True)
    draws = [sentences(make_draws(seed).draw(wanted, step)["en-de"]) for seed, step in ((1, 1), (1, 1), (1, 2), (2, 1))]
    assert draws[0] == draws[1]
    assert len({tuple(draw) for draw in draws}) == 3
