from collections import Counter
from typing import Any

import numpy as np
import pytest

from catscale.data.direction import Direction
from catscale.errors import CheckpointError
from catscale.sampling import Every, Sampler
from catscale.training import stream as module
from catscale.training.stream import MixtureStream, TaskStream
from tests.run.corpus import VOCABULARY, given_shares, random_pairs, tasks_of

EN_DE = Direction("en", "de")


def make(pairs, seed=1):
    return TaskStream(EN_DE, pairs, VOCABULARY, 120, seed)


def epoch(stream):
    """Sentence numbers of an epoch, block by block."""
    blocks: list[Any] = []
    started = stream.position.epoch
    while stream.position.epoch == started:
        block = stream.position.block
        if block == len(blocks):
            blocks.append(np.concatenate(stream.plan).tolist())
        stream.take(120)
    return blocks


@pytest.fixture
def pairs():
    return random_pairs(1000, 3)


def test_blocks_hold_every_sentence_once_in_each_epoch(pairs, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 300)
    stream = make(pairs)
    epochs = [epoch(stream) for _ in range(3)]
    for blocks in epochs:
        assert [len(block) for block in blocks] == [250] * 4
        assert sorted(number for block in blocks for number in block) == list(range(1000))
    assert len({tuple(sorted(blocks[0])) for blocks in epochs}) == 3
    assert epochs[0] != [epoch(make(pairs, seed=2))]
    shares = Counter(number // 250 for number in epochs[0][0])
    assert min(shares.values()) > 35  # 62 ± 6 of each quarter of the corpus in each quarter of the epoch


def test_what_is_delivered_is_every_sentence_once(pairs, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 300)
    stream = make(pairs)
    seen: Counter[Any] = Counter()
    while stream.position.epoch == 0:
        for batch in stream.take(120):
            labels = batch.labels.tolist()
            seen.update(tuple(token for token in row if token != -100) for row in labels)
    assert seen == Counter((*pairs.target(number).tolist(), 2) for number in range(1000))


def test_epochs_are_counted_with_their_parts(pairs, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 300)
    stream = make(pairs)
    assert stream.epochs == 0
    stream.take(120)
    assert stream.epochs == pytest.approx(stream.position.taken / len(stream.plan) / 4)
    while stream.position.block < 2:
        stream.take(120)
    assert stream.epochs == 0.5 + stream.position.taken / len(stream.plan) / 4
    while stream.position.epoch == 0:
        stream.take(120)
    assert 1 <= stream.epochs < 1.1


def test_a_small_task_is_planned_whole(pairs, monkeypatch):
    before = make(pairs).plan
    monkeypatch.setattr(module, "BLOCK", 1000)
    assert all((a == b).all() for a, b in zip(make(pairs).plan, before, strict=True))


def test_the_position_is_enough_to_go_on(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 300)
    tasks = tasks_of({"de": 1000, "gl": 40})

    def make_mixture():
        return MixtureStream(tasks, given_shares(tasks, [0.8, 0.2]), VOCABULARY, 4, 120, 1)

    def ids(mixture, step):
        return {task: [b.labels.tolist() for b in batches] for task, batches in mixture.take(step).items()}

    undisturbed, interrupted = make_mixture(), make_mixture()
    expected = [ids(undisturbed, step) for step in range(90)]
    positions = set()
    for step in range(90):
        state = interrupted.state_dict()
        positions.add(tuple(state["en-de"][i] for i in (0, 3)))
        interrupted = make_mixture()
        interrupted.load_state_dict(state)
        assert ids(interrupted, step) == expected[step]
    assert {(0, 0), (0, 3), (1, 0)} <= positions


@pytest.mark.parametrize("each", [40, 75, 120, 500])
def test_every_task_is_in_every_step(each):
    tasks = tasks_of({"de": 1000, "gl": 40, "az": 3})
    mixture = MixtureStream(
        tasks, Sampler(Every(), {str(d): len(p) for d, p in tasks.items()}), VOCABULARY, 4, 120, 1, each
    )
    delivered = Counter[str]()
    for step in range(1, 61):
        found = mixture.take(step)
        assert list(found) == ["en-de", "en-gl", "en-az"]
        assert all(batch.labels.numel() <= min(120, each) for parts in found.values() for batch in parts)
        delivered.update({task: sum(batch.tokens for batch in parts) for task, parts in found.items()})
    for tokens in delivered.values():
        assert abs(tokens - 60 * each) <= min(120, each) / 2
    assert mixture.step_tokens == 3 * each
    assert mixture.epochs("en-az") > mixture.epochs("en-gl") > mixture.epochs("en-de")


def test_the_state_of_an_older_checkpoint(monkeypatch):
    tasks = tasks_of({"de": 100})
    mixture = MixtureStream(tasks, given_shares(tasks, [1.0]), VOCABULARY, 4, 120, 1)
    mixture.load_state_dict({"en-de": [2, 1, -7]})
    assert mixture.state_dict() == {"en-de": [2, 1, -7, 0]}
    monkeypatch.setattr(module, "BLOCK", 30)
    blocks = MixtureStream(tasks, given_shares(tasks, [1.0]), VOCABULARY, 4, 120, 1)
    with pytest.raises(CheckpointError, match="place in the data of en-de is that of an earlier version"):
        blocks.load_state_dict({"en-de": [2, 1, -7]})


@pytest.mark.parametrize(
    ("position", "message"),
    [
        ([0, {}, 0, 0], "is none: "),
        ([0, True, 0, 0], "is none: "),
        ([0, 1.0, 0, 0], "is none: "),
        ([0, 1], "is none: "),
        ([0, 0, 0, 0, 0], "is none: "),
        ([-1, 0, 0, 0], "is none: "),
        ([0, 0, 0, 1], "is none: "),
        ([0, 10**30, 0, 0], "is beyond them: "),
        ([0, -1, 0, 0], "is beyond them: "),
        ([0, 0, 10**12, 0], "is beyond them: "),  # it would be delivered for hours
    ],
)
def test_a_position_that_is_none(position, message):
    tasks = tasks_of({"de": 100})
    mixture = MixtureStream(tasks, given_shares(tasks, [1.0]), VOCABULARY, 4, 120, 1)
    with pytest.raises(ValueError, match=rf"the place in the data of en-de {message}"):
        mixture.load_state_dict({"en-de": position})
    assert mixture.state_dict() == {"en-de": [0, 0, 0, 0]}
