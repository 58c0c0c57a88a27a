"""Steps that hold the gradients of all tasks: passes over several tasks beside a pass for each.

    python -m benchmarks.held_gradients [--rounds 3] [--json results/held-gradients.json]

CATS at m = 1 (Gram matrix and combination included), the steps and presets of `benchmarks.joined_passes`; the ways are
taken by turns in one process, on one thread. A way is what the start of a pass is taken to cost, in positions, when the
sub-batches that share one are chosen.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import mean, median
from typing import Any

import torch
from benchmarks.joined_passes import run_cases
from torch import Tensor

from catscale.balancing import CATS, OwnedBatch, TaskBalancer
from catscale.data.batching import Batch
from catscale.data.joining import join_batches, plan_joins
from catscale.data.store.store import Store
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import batch_losses, joined_losses
from catscale.training.step_losses import CPU_LAUNCH

LAUNCHES = (12.0, 25.0, 50.0, 100.0, 200.0, 1e12)
Taken = tuple[dict[str, list[Callable[[], Tensor]]], list[OwnedBatch] | None]
"""The losses of a step, and its mixed batches."""


def main(arguments: Sequence[str] | None = None) -> None:
    command = "python -m benchmarks.held_gradients --json results/held-gradients.json"
    run_cases(str(__doc__), command, ["passes are shared", "passes", "the whole step"], compare, arguments)


def compare(
    model: TranslationModel, steps: Sequence[Sequence[Batch]], store: Store, rounds: int
) -> list[tuple[str, str, str]]:
    """Take the steps in every way by turns.

    Returns:
        Way, passes of a step, and the median over rounds of the time beside that of a pass for each task.
    """
    pad, names = store.vocabulary.pad_id, [str(direction) for direction in store.directions]
    balancer = TaskBalancer(CATS(inner_steps=1), names, model.parameters(), module=model)
    ways = {"a pass for each task": None, **{name_way(launch): launch for launch in LAUNCHES}}
    taken = {way: [prepare_step(model, parts, launch, pad) for parts in steps] for way, launch in ways.items()}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(rounds + 1):
        for way in ways:
            seconds = sum(clock(model, balancer, *step) for step in taken[way])
            if turn:
                times[way].append(seconds)
    first = times["a pass for each task"]
    ratios = {way: median(b / a for a, b in zip(first, found, strict=True)) for way, found in times.items()}
    counts = {
        way: [len(mixed or [part for parts in losses.values() for part in parts]) for losses, mixed in taken[way]]
        for way in ways
    }
    return [(way, f"{mean(counts[way]):.1f}", f"{ratios[way]:.2f}") for way in ways]


def name_way(launch: float) -> str:
    """Return the name of a way."""
    return "all in one" if launch > 1e6 else f"joined, {launch:.0f} positions a start"


def prepare_step(model: TranslationModel, parts: Sequence[Batch], launch: float | None, pad: int) -> Taken:
    """Return the losses of a step as the trainer makes them, and its mixed batches."""
    by_task: dict[str, list[Batch]] = {}
    for part in parts:
        by_task.setdefault(str(part.direction), []).append(part)
    losses: dict[str, list[Callable[[], Tensor]]] = {}
    for task, found in by_task.items():
        plan = plan_joins([part.shape for part in found], CPU_LAUNCH, 10**9)
        joined = [join_batches([found[n] for n in numbers], [0] * len(numbers), pad).batch for numbers in plan]
        losses[task] = [partial(loss_of, model, batch) for batch in joined]
    if launch is None:
        return losses, None
    plan = plan_joins([part.shape for part in parts], launch, 10**9)
    return losses, [own([parts[n] for n in numbers], model, pad) for numbers in plan]


def loss_of(model: TranslationModel, batch: Batch) -> Tensor:
    """Compute the loss of a batch of one task, summed over its tokens."""
    return batch_losses(model, batch, 0.1)[0]


def own(parts: Sequence[Batch], model: TranslationModel, pad: int) -> OwnedBatch:
    """Join sub-batches, and say whose each row is."""
    tasks = list(dict.fromkeys(str(part.direction) for part in parts))
    owners = [tasks.index(str(part.direction)) for part in parts]
    joined = join_batches(parts, owners, pad)
    sentences = torch.repeat_interleave(torch.tensor(owners), torch.tensor([len(part.labels) for part in parts]))

    def compute() -> dict[str, Tensor]:
        return dict(zip(tasks, joined_losses(model, joined, 0.1, len(tasks))[0].unbind(), strict=True))

    return OwnedBatch(compute, tasks, sentences, joined.owners)


def clock(model: TranslationModel, balancer: TaskBalancer, losses: Any, batch: list[OwnedBatch] | None) -> float:
    """Return the processor's seconds of a step."""
    begin = time.process_time()
    balancer.backward(losses, batch=batch)
    model.zero_grad(set_to_none=True)
    return time.process_time() - begin


if __name__ == "__main__":
    main()
