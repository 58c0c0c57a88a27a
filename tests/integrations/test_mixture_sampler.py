"""A mixture of tasks for PyTorch's data loaders: shares, order, processes, resuming."""

from collections import Counter
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader

from catscale.errors import CheckpointError, ConfigError, DivergedError
from catscale.integrations import MixtureSampler
from catscale.sampling import SAMPLERS, CATSSampling, MultiDDS, TemperatureSampling, UniMax
from tests.sampling.test_contract import REQUIRED
from tests.unchecked import unchecked

SIZES = {"large": 70, "middle": 20, "small": 10}
TASK_OF = [task for task, size in SIZES.items() for _ in range(size)]
GIVEN = REQUIRED | {"adaptive_scheduling": {"baselines": dict.fromkeys(SIZES, 2.0)}}
LEARNT = MultiDDS(interval=2, learning_rate=1.0)


def make(method: Any = None, **options: Any) -> MixtureSampler:
    return MixtureSampler(SIZES, method or TemperatureSampling(), **({"batch_size": 8} | options))


def drawn(mixture: MixtureSampler, steps: int) -> list[list[int]]:
    return [mixture.draw() for _ in range(steps)]


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_rows_have_the_shares_of_every_sampler(name: str) -> None:
    steps, size = 300, 8
    mixture = make(SAMPLERS[name](**GIVEN.get(name, {})), steps=steps, batch_size=size)
    batches = drawn(mixture, steps)
    shares = np.array([mixture.sampler.probabilities(step) for step in range(1, steps + 1)])
    for number, task in enumerate(SIZES):
        counts = np.array([sum(TASK_OF[index] == task for index in batch) for batch in batches])
        assert (np.abs(counts - size * shares[:, number]) < 1).all()  # every batch has ⌊B p⌋ or ⌈B p⌉
        deviation = np.sqrt((size * shares[:, number] * (1 - shares[:, number])).sum())
        assert abs(counts.sum() - size * shares[:, number].sum()) <= 4 * deviation


def test_a_row_comes_again_only_after_all_of_its_task() -> None:
    batches = drawn(make(), 100)
    for task, size in SIZES.items():
        rows = [index for batch in batches for index in batch if TASK_OF[index] == task]
        epochs = [rows[start : start + size] for start in range(0, len(rows) - size + 1, size)]
        assert epochs
        assert all(sorted(epoch) == [i for i, one in enumerate(TASK_OF) if one == task] for epoch in epochs)
        assert size == 1 or all(one != two for one, two in pairwise(epochs))


def test_seeds_differ() -> None:
    assert drawn(make(), 3) == drawn(make(), 3) != drawn(make(seed=1), 3)


def test_rows_may_be_anywhere() -> None:
    rows = {"large": list(range(0, 140, 2)), "middle": list(range(1, 41, 2)), "small": list(range(101, 121, 2))}
    expected = [[[*rows["large"], *rows["middle"], *rows["small"]][i] for i in batch] for batch in drawn(make(), 20)]
    assert drawn(make(rows=rows), 20) == expected


def test_processes_share_each_batch() -> None:
    together = list(make(batch_size=8))
    parts = [list(make(batch_size=2, rank=rank, world_size=4)) for rank in range(4)]
    assert len(together) == len(make()) == 13
    for batch, *of_ranks in zip(together, *parts, strict=True):
        assert sorted(batch) == sorted(chain(*of_ranks))
        assert all(len(part) == 2 for part in of_ranks)
        counts = [Counter(TASK_OF[index] for index in part) for part in of_ranks]  # tasks are spread over them
        assert max(count["large"] for count in counts) - min(count["large"] for count in counts) <= 1


def test_the_place_among_processes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 3)
    assert (make().rank, make().world_size, make().step_size) == (1, 3, 24)
    assert make(rank=0, world_size=1).step_size == 8


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_loader_takes_it(workers: int) -> None:
    rows: Any = ConcatDataset([unchecked(torch.arange(start, end)) for start, end in ((0, 70), (70, 90), (90, 100))])
    loader = DataLoader(rows, batch_sampler=make(length=5), num_workers=workers)
    expected = make(length=5)
    for _ in range(2):
        assert [batch.tolist() for batch in loader] == list(expected)
    assert len(loader) == 5


@pytest.mark.parametrize("method", [TemperatureSampling(), LEARNT], ids=["static", "learnt"])
@pytest.mark.parametrize("stop", [1, 13, 30])
def test_resumed_is_uninterrupted_bit_for_bit(method: Any, stop: int) -> None:
    def step(mixture: MixtureSampler) -> list[int]:
        batch = mixture.draw()
        if mixture.sampler.due(mixture.step):
            mixture.update({task: (7 * mixture.step + n) % 5 / 5 for n, task in enumerate(SIZES)})
        return batch

    whole, first = make(method), make(method)
    expected = [step(whole) for _ in range(60)]
    assert [step(first) for _ in range(stop)] == expected[:stop]
    resumed = make(method, batch_size=4, rank=0, world_size=2)  # on two processes, of half the size
    resumed.load_state_dict(first.state_dict())
    assert [step(resumed) for _ in range(60 - stop)] == expected[stop:]
    assert all(
        torch.equal(a, b)
        for a, b in zip(*(one.sampler.state_dict()["state"].values() for one in (whole, resumed)), strict=True)
    )


def test_a_pass_that_was_broken_off_is_ended() -> None:
    mixture = make(length=10)
    stream = iter(mixture)
    before = [next(stream) for _ in range(4)]
    resumed = make(length=10)
    resumed.load_state_dict(mixture.state_dict())
    assert before + list(resumed) == list(make(length=10))
    assert len(list(resumed)) == 10


def test_the_state_of_an_earlier_step_is_that_of_a_loader_that_fetched_ahead() -> None:
    ahead, behind = make(), make()
    drawn(ahead, 9)
    drawn(behind, 5)
    assert str(ahead.state_dict(5)) == str(behind.state_dict())
    with pytest.raises(ConfigError, match=r"step must be one of the latest 10, 0 to 9, found 12; give the number"):
        ahead.state_dict(12)


def test_a_sampler_learns() -> None:
    mixture = make(LEARNT)
    assert mixture.request == LEARNT.request
    assert make().request is None
    before = mixture.sampler.probabilities(1)
    mixture.update({"large": 0.0, "middle": 0.0, "small": 1.0})
    after = mixture.sampler.probabilities(1)
    assert after[2] > before[2]
    assert sum(TASK_OF[i] == "small" for i in mixture.draw()) in (int(8 * after[2]), int(8 * after[2]) + 1)
    with pytest.raises(DivergedError, match="must be finite, found nan"):
        mixture.update({"large": 0.0, "middle": 0.0, "small": float("nan")})


def test_samplers_get_the_length_of_the_training() -> None:
    assert make(CATSSampling(), steps=500).request is not None
    shares = make(UniMax(max_epochs=2), steps=10, batch_size=8).sampler.probabilities(1)
    assert shares.tolist() == pytest.approx([0.375, 0.375, 0.25])  # 80 rows: 20 of the small task, twice its own
    with pytest.raises(ConfigError, match="give steps and step_tokens"):
        make(UniMax())


def test_old_tasks_have_their_share() -> None:
    mixture = make(TemperatureSampling(replay=0.25), old=["large"])
    batches = drawn(mixture, 20)
    assert all(sum(TASK_OF[index] == "large" for index in batch) == 2 for batch in batches)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number of 1 or more, found 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number of 1 or more, found 2.5"),
        ({"length": 0}, "length must be a whole number"),
        ({"steps": True}, "steps must be a whole number"),
        ({"seed": -1}, "seed must be a whole number of 0 or more, found -1"),
        ({"rank": 2, "world_size": 2}, "rank must be from 0 to world_size − 1, found 2 of 2"),
        ({"rank": 1}, "found 1 of 1; give both, or neither"),
        ({"rows": {"large": [1]}}, "rows must give as many numbers as sizes has, found 1 for 'large', which has 70"),
    ],
)
def test_wrong_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**options)


def test_what_is_no_sampler_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"write SAMPLERS\['temperature'\]\(\)"):
        MixtureSampler(SIZES, unchecked("temperature"), batch_size=8, steps=9)
    with pytest.raises(ConfigError, match=r"one or more training pairs each, found a list; write \{task: pairs\}"):
        MixtureSampler(unchecked(["large"]), TemperatureSampling(), batch_size=8, steps=9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 3}, "must have the seed 0, found 3; build it with what"),
        ({"sizes": [1, 2]}, r"must have the sizes \[70, 20, 10\], found \[1, 2\]"),
        ({"step_size": 4}, "must have the step_size 8, found 4"),
        ({"taken": [1, 1, 1]}, r"must have taken 8 rows a step, found 2 steps and the rows \[1, 1, 1\]"),
        ({"taken": [20, -3, -1]}, "must have taken 8 rows a step"),
        ({"taken": None}, "must have taken 8 rows a step"),
        ({"sampler": {}}, "sampler"),
    ],
)
def test_a_state_of_something_else_is_refused(change: dict[str, Any], message: str) -> None:
    mixture = make()
    drawn(mixture, 2)
    with pytest.raises(CheckpointError, match=message):
        make().load_state_dict(mixture.state_dict() | change)


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(CheckpointError, match="must have the seed 0, found None"):
        make().load_state_dict(unchecked([]))
