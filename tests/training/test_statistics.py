"""The batch that gradients are measured on where it is not the step's."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from catscale.balancing import CATS
from catscale.balancing.contract import Request
from catscale.balancing.methods.statistics_settings import StatisticsBatch
from catscale.data.batching import Batch
from catscale.data.direction import Direction
from catscale.training.statistics import StatisticsDraws, StatisticsMeter
from tests.run.corpus import VOCABULARY, random_pairs

DE, GL, AZ = (Direction("en", language) for language in ("de", "gl", "az"))
TRAIN = {DE: random_pairs(1000, 3), GL: random_pairs(40, 4), AZ: random_pairs(2, 5)}
DEV = {DE: random_pairs(90, 6), GL: random_pairs(50, 7)}


def make_setup(seed: int = 1) -> Any:
    return SimpleNamespace(
        stream=SimpleNamespace(streams=[SimpleNamespace(direction=d, pairs=pairs) for d, pairs in TRAIN.items()]),
        validation=DEV,
        vocabulary=VOCABULARY,
        config=SimpleNamespace(pass_tokens=100, seed=seed),
    )


def make_draws(seed: int = 1) -> StatisticsDraws:
    return StatisticsDraws(make_setup(seed))


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


class Asked:
    """A balancer that is asked to measure, and looks at the model meanwhile."""

    def __init__(self, request: Request, **settings: Any) -> None:
        self.method, self.request = CATS(**settings), request
        self.model, self.modes = torch.nn.Dropout(), list[bool]()

    def measure(self, losses: Any, tokens: Any, plan: Any) -> Any:
        self.modes.append(self.model.training)
        return losses, tokens, plan


def make_meter(asked: Asked) -> tuple[StatisticsMeter, list[Request]]:
    """Build the meter, and a list of what its losses are asked to tell."""
    requests: list[Request] = []

    def build(batches: Any, request: Request) -> Any:
        requests.append(request)
        return SimpleNamespace(losses=list(batches), tokens=len(batches), plan="plan")

    setup: Any = SimpleNamespace(**vars(make_setup()), balancer=asked, model=asked.model)
    builder: Any = SimpleNamespace(build=build)
    return StatisticsMeter(setup, builder), requests


@pytest.mark.parametrize(("mode", "training"), [("training", True), ("evaluation", False)])
def test_the_model_is_in_the_mode_that_is_asked_for_meanwhile(mode: str, training: bool) -> None:
    asked = Asked(Request("gramian"), statistics_tokens=64, statistics_mode=mode)
    meter, requests = make_meter(asked)
    assert meter.request == Request()
    measured: Any = meter.measure(3)
    assert measured == (["en-de", "en-gl", "en-az"], 3, "plan")
    assert (asked.modes, asked.model.training) == ([training], True)
    assert requests == [Request("gramian", halves=True)]


def test_nothing_is_measured_apart_where_nothing_is_due_or_the_step_s_own_is_meant() -> None:
    meter, requests = make_meter(Asked(Request(), statistics_tokens=64))
    assert (meter.measure(3), meter.request) == (None, Request())
    meter, more = make_meter(Asked(Request("gramian")))
    assert (meter.measure(3), meter.request) == (None, Request("gramian"))
    assert requests == more == []
