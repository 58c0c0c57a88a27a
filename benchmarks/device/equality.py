"""Whether a device computes a step of training as a processor does: losses, gradients and weights of the first one.

Parameters after a few updates tell little: the first ones of Adam move every number by about the learning rate, in the
direction of its gradient's sign alone, so that one of twice the size leaves the same parameters, and a sign that
rounding decides a distance of its own. Legend: g gradient of the step on the device, h on the processor.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import torch
from benchmarks.device.bench import Bench
from torch import Tensor

from catscale.training.trainer import Trainer

METHODS: Mapping[str, tuple[str, ...]] = {
    "fixed": ("balancing.method=fixed",),
    "cats": ("balancing.method=cats", "balancing.inner_steps=1"),  # whose first step measures a Gram matrix
}
SETTINGS = ("model.dropout=0", "optimizer.warmup_steps=0", "optimizer.clip_norm=null", "sampling.method=every")
TOKENS, STEPS = 512, 3
SMALL = 1e-3
"""Share of the whole gradient's norm that a parameter's own is taken to have at least: that of an attention's key bias
is 0 but for rounding."""
BARS: Mapping[str, Mapping[str, float]] = {
    "fp32": {"loss": 1e-5, "gradient": 1e-4, "parameter": 1e-3, "weights": 1e-4},
    "bf16": {"loss": 1e-2, "gradient": 5e-2, "parameter": 2e-1, "weights": 1e-2},
}
"""The most that each may differ by from a processor's in fp32, by the precision of the device."""


@dataclass(frozen=True)
class SeenStep:
    """What the first step of a training computes.

    Attributes:
        losses: NLL per task, nats.
        gradients: The step's gradient by parameter, float64, before the update.
        weights: Weights of the balancing method after the step, by task.
        moves: How far each parameter is after `STEPS` steps from its start.
    """

    losses: Mapping[str, float]
    gradients: Mapping[str, Tensor]
    weights: Mapping[str, float]
    moves: Sequence[Tensor]


def compare_a_step(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield how far the device is from a processor, by method and precision, and whether that is within the bars."""
    processor = Bench(torch.device("cpu"), bench.stores, TOKENS, ("tiny",), 0)
    other = Bench(bench.device, bench.stores, TOKENS, ("tiny",), 0)
    for method, settings in METHODS.items():
        expected = take_steps(processor, [*settings, "training.precision=fp32"])
        for precision, bars in BARS.items():
            bench.clear()
            found = take_steps(other, [*settings, f"training.precision={precision}"])
            yield {"name": f"{method}, {precision}", **compare(found, expected, bars)}


def take_steps(bench: Bench, settings: Sequence[str]) -> SeenStep:
    """Train for a few steps, and return what the first one computed."""
    with TemporaryDirectory() as folder:
        trainer = bench.train(bench.configure([*SETTINGS, *settings]), bench.stores[8], folder)
        before = copy_parameters(trainer)
        gradients: dict[str, Tensor] = {}

        def note(*arguments: Any) -> None:
            for name, parameter in trainer.named.items():
                found = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                gradients[name] = found.detach().double().cpu()

        with trainer.batches:
            hook = trainer.optimizer.register_step_pre_hook(note)
            trainer.step()
            hook.remove()
            losses, weights = dict(trainer.progress.window.nll), trainer.balancer.weights
            for _ in range(STEPS - 1):
                trainer.step()
            trainer.settle()
        moves = [after - start for after, start in zip(copy_parameters(trainer), before, strict=True)]
        return SeenStep(losses, gradients, weights, moves)


def copy_parameters(trainer: Trainer) -> list[Tensor]:
    """Return the parameters as they are now, float64 on the processor."""
    return [parameter.detach().double().cpu().clone() for parameter in trainer.named.values()]


def compare(found: SeenStep, expected: SeenStep, bars: Mapping[str, float]) -> dict[str, Any]:
    """Return the differences of two first steps, and whether each is within its bar.

    Args:
        found: The device's.
        expected: The processor's.
        bars: The most that each of these may be: "loss" and "weights", the largest relative difference of a task;
            "gradient", ‖g − h‖ / ‖h‖ over all parameters; "parameter", the largest of a single parameter, by the norm
            of its h or `SMALL` of the whole one's.

    Returns:
        The differences, with the parameter that has the largest; the bars; `ok`; how far the parameters after some
        steps are apart, of the way that they went, which is not judged; and a line that has the difference nearest to
        its bar, or furthest above it.
    """
    whole = norm(expected.gradients.values())
    apart = {name: found.gradients[name] - each for name, each in expected.gradients.items()}
    single = {name: norm([each]) / max(norm([expected.gradients[name]]), SMALL * whole) for name, each in apart.items()}
    furthest = max(single, key=lambda name: excess(single[name]))
    gaps = {
        "loss": relative(found.losses, expected.losses),
        "gradient": norm(apart.values()) / whole,
        "parameter": single[furthest],
        "weights": relative(found.weights, expected.weights),
    }
    is_ok = all(gaps[name] <= bar for name, bar in bars.items())
    worst = max(bars, key=lambda name: excess(gaps[name] / bars[name]))
    way = norm(a - b for a, b in zip(found.moves, expected.moves, strict=True)) / norm(expected.moves)
    note = f"{'ok' if is_ok else 'NOT ok'}: {worst} {gaps[worst]:.1e}, bar {bars[worst]:.0e}"
    row = {"ok": is_ok, "differences": gaps, "bars": dict(bars), "furthest": furthest, "way": way}
    return {**row, "note": note}


def norm(tensors: Iterable[Tensor]) -> float:
    """Return the norm of all numbers of some tensors."""
    return math.sqrt(sum(float(tensor.square().sum()) for tensor in tensors))


def relative(found: Mapping[str, float], expected: Mapping[str, float]) -> float:
    """Return the largest relative difference of a task; infinite where the tasks are not the same."""
    if found.keys() != expected.keys():
        return float("inf")
    return max((abs(found[task] / value - 1) for task, value in expected.items()), key=excess)


def excess(value: float) -> float:
    """Return a number to order differences by, of which one that is NaN is the largest."""
    return float("inf") if value != value else value
