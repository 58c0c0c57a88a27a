"""The sums over processes of one step of a run: those of gradients, and one of all numbers beside them."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch.distributed as dist
from torch import Tensor

from catscale.balancing.contract import Request
from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.fixed import Fixed
from catscale.data.batching import Batch
from catscale.data.joining import join_batches
from catscale.distributed.processes import Processes
from catscale.training.dealt_batches import count_parts, share
from catscale.training.trainer import Trainer
from tests.training.test_trainer import FixedStream, make

SMALL = 16
"""More numbers than this are gradients."""


class Idle:
    """What is sent to a second process that has nothing."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def all_reduce(self, tensor: Tensor, *given: Any, **named: Any) -> "Idle":
        self.sizes.append(tensor.numel())
        return self

    def wait(self) -> None:
        pass


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Idle:
    found = Idle()
    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda group=None: 2)
    monkeypatch.setattr(dist, "all_reduce", found.all_reduce)
    return found


def on_two(folder, method, **settings) -> Trainer:
    trainer = make(folder, method, max_steps=4, validate_every=4, **settings)
    trainer.processes = trainer.builder.processes = trainer.stopping.processes = Processes(0, 2)
    trainer.start()
    return trainer


class Asked:
    """A run that is to stop, or not."""

    def __init__(self, is_set: bool) -> None:
        self.is_set = is_set


@pytest.mark.parametrize("is_asked", [False, True])
def test_a_step_that_measures_nothing_has_one_small_sum(tmp_path, idle, monkeypatch, is_asked):
    """K losses, the norm, K NLLs, whether to stop and the clock; and the one bucket of this model."""
    trainer = on_two(tmp_path, Fixed())
    own: Any = Asked(is_asked)
    monkeypatch.setattr(trainer.stopping, "interrupt", own)
    trainer.step()
    size = sum(parameter.numel() for parameter in trainer.parameters)
    assert idle.sizes == [
        size + len(trainer.parameters),
        len(trainer.stopping._told) + 5 + (len(FixedStream().batches) - 2),
    ]
    before = list(idle.sizes)
    assert trainer._agree(own) is is_asked
    assert idle.sizes == before
    assert trainer._agree(own) is is_asked  # after a validation: a sum of its own
    assert idle.sizes == [*before, 2]


@pytest.mark.parametrize("is_asked", [False, True])
def test_a_step_that_is_read_later_has_the_same_sum_and_tells_with_the_next(tmp_path, idle, monkeypatch, is_asked):
    trainer = on_two(tmp_path, Fixed(), log_every=4)
    trainer.deferring.is_on = True
    own: Any = Asked(is_asked)
    monkeypatch.setattr(trainer.stopping, "interrupt", own)
    trainer.step()
    assert trainer._agree(own) is is_asked
    one_step = list(idle.sizes)
    trainer.step()
    assert trainer._agree(own) is False  # it is on its way
    trainer.step()
    assert trainer._agree(own) is is_asked
    assert idle.sizes == 3 * one_step


def test_what_a_step_told_is_not_taken_for_news_after_a_validation(tmp_path, idle, monkeypatch):
    """A run that its minutes end while a step is under way: a signal during its validation is asked for anew."""
    trainer = on_two(tmp_path, Fixed(), log_every=4, max_minutes=1e6)
    trainer.deferring.is_on = True
    own: Any = Asked(False)
    monkeypatch.setattr(trainer.stopping, "interrupt", own)
    monkeypatch.setattr(trainer.processes, "wait", lambda: None)
    monkeypatch.setattr(trainer, "_save", lambda: None)
    trainer.step()
    trainer.step()
    before = len(idle.sizes)
    object.__setattr__(trainer.config, "max_minutes", 1e-9)
    monkeypatch.setattr(trainer, "_validate", lambda: trainer.progress.judge(1.0))
    trainer.run()
    assert idle.sizes[before:] == [2]


def test_a_step_that_measures_sums_each_task(tmp_path, idle):
    trainer = on_two(tmp_path, CATS(inner_steps=1, statistics="gramian"))
    trainer.step()
    assert sum(size > SMALL for size in idle.sizes) == 2
    assert sum(size <= SMALL for size in idle.sizes) <= 3


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("are_halved", [False, True])
def test_the_most_parts_of_a_process(size, are_halved):
    batches = FixedStream().batches
    batches["en-az"] = [*batches["en-az"], *batches["en-fr"]]
    expected = dict.fromkeys(batches, 0)
    for rank in range(size):
        for task, parts in share(batches, Processes(rank, size)).items():
            found = parts[0].halves() if are_halved and len(parts) == 1 else parts
            expected[task] = max(expected[task], len(found))
    assert count_parts(batches, size, are_halved) == expected


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize(
    "request_", [Request(), Request("products"), Request("gramian"), Request("products", halves=True)], ids=str
)
@pytest.mark.parametrize("launch", [0.0, 1000.0])
def test_processes_that_compute_in_step_know_the_passes_of_each_task(tmp_path, size, request_, launch):
    """A sharded model: parts of a task share passes in steps that measure, and each process says how many at most."""
    trainer = make(tmp_path, CATS())
    builder, batches = trainer.builder, FixedStream().batches
    batches["en-fr"] = batches["en-fr"] * 4
    builder.is_sharded, builder.launch, builder.joins, builder.one_pass.may = True, launch, False, False
    found: dict[str, list[int]] = {task: [] for task in batches}
    for rank in range(size):
        builder.processes = Processes(rank, size)
        built = builder.build(batches, request_)
        for task, losses in built.losses.items():
            found[task].append(len(losses))
    assert built.plan.parts == {task: max(counts) for task, counts in found.items()}
    is_joined = request_.kind != "nothing" and not request_.halves and launch > 0
    assert (max(found["en-fr"]) == 1) == is_joined


def test_what_is_joined_is_what_a_process_has_of_a_sub_batch():
    batches = {"en-az": [joined(FixedStream().batches["en-fr"] * 8)]}
    each = [[part.shape for part in share(batches, Processes(rank, 4))["en-az"]] for rank in range(4)]
    assert [rows for ((rows, _, _),) in each] == [4] * 4  # of 16
    asked: list[list[tuple[int, int, int]]] = []

    def join(shapes: Sequence[tuple[int, int, int]]) -> list[list[int]]:
        asked.append(list(shapes))
        return [[0]] * 5

    assert count_parts(batches, 4, False, join) == {"en-az": 5}
    assert asked == each


def joined(parts: list[Batch]) -> Batch:
    return join_batches(parts, [0] * len(parts), 1).batch
