"""Trajectories of the balancing methods on the two-task toy of CAGrad, Nash-MTL and FAMO.

    python -m benchmarks.outside.toys [METHOD …] [--toy unequal | equal] [--steps N] [--rate 0.001]
                                      [--json FILE] [--picture FILE.svg]

A line per method and start: where it ends, both losses there, and whether that is on the Pareto front (x_2 < −7 and
the min-norm point of both gradients next to 0). All starts go down together with Adam, each with a state of its own.
With --json every method is written when it ends, and the same command goes on where it was stopped; the picture needs
nothing else.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.outside.record import Record
from benchmarks.outside.toy_picture import draw, thin
from benchmarks.outside.toy_problem import SHIFT, TOYS, Points, Toy, toy_gradients, toy_losses

from catscale.balancing import METHODS, Signals
from catscale.balancing.methods.mgda import min_norm_weights

SHOWN = ("fixed", "mgda", "pcgrad", "cagrad", "imtl_g", "nash_mtl", "famo", "cats")
"""Methods of the published pictures that are in the table, and CATS; `fixed` is their LS, or plain Adam."""
DEFAULTS: dict[str, dict[str, Any]] = {
    "nash_mtl": {"max_norm": None},
    "famo": {"learning_rate": 0.025, "weight_decay": 0.0},
}
"""Settings of the published scripts, where ours are others."""
WINDOW, STILL = 500, 2e-4
TASKS = torch.arange(2)


@torch.inference_mode()
def descend(method: Any, starts: Sequence[Sequence[float]], steps: int, rate: float, scale: float) -> Points:
    """Return (steps + 1, S, 2) points of Adam's trajectories from S starts.

    A start stays where it is once its mean over `WINDOW` steps is within `STILL` of that over the `WINDOW` before.

    Args:
        method: Settings of a balancing method.
        starts: S points.
        steps: Steps of each.
        rate: Adam's learning rate.
        scale: Factor of the first loss.
    """
    bound = method.bind(["first", "second"], [])
    states = [bound.init(2) for _ in starts]
    passed = np.empty((steps + 1, len(starts), 2))
    passed[0] = starts
    means, squares, moving = np.zeros((len(starts), 2)), np.zeros((len(starts), 2)), list(range(len(starts)))
    for step in range(1, steps + 1):
        points = passed[step - 1]
        rows, losses = toy_gradients(points, scale), toy_losses(points, scale, SHIFT)
        slopes = np.zeros_like(points)
        for index in moving:
            signals = show(bound, states[index], losses[index], rows[index])
            weights, states[index] = bound.step(states[index], signals)
            slopes[index] = weights.numpy() @ rows[index]
        means, squares = 0.9 * means + 0.1 * slopes, 0.999 * squares + 0.001 * slopes**2
        move = rate * (means / (1 - 0.9**step)) / (np.sqrt(squares / (1 - 0.999**step)) + 1e-8)
        passed[step] = points
        passed[step, moving] -= move[moving]
        if step % WINDOW == 0 and step >= 2 * WINDOW:
            latest, before = passed[step + 1 - WINDOW : step + 1], passed[step + 1 - 2 * WINDOW : step + 1 - WINDOW]
            distance = abs(latest.mean(0) - before.mean(0)).max(1)
            moving = [index for index in moving if distance[index] >= STILL]
        if not moving:
            passed[step:] = passed[step]
            break
    return passed


def show(method: Any, state: Any, losses: Points, rows: Points) -> Signals:
    """Return what a step with (2,) losses and (2, 2) gradients shows to a method that asked for it.

    Args:
        method: The method, bound to its tasks.
        state: Its state.
        losses: (2,).
        rows: (2, D) gradients.
    """
    kind = method.request(state).kind
    known = method.weights(state, TASKS).numpy() if kind == "products" else None
    return Signals(
        TASKS,
        torch.from_numpy(losses),
        gramian=torch.from_numpy(rows @ rows.T) if kind == "gramian" else None,
        products=None if known is None else torch.from_numpy(rows @ (known @ rows)),
        norms=torch.from_numpy(np.linalg.norm(rows, axis=1)) if kind == "norms" else None,
    )


def is_on_front(point: Points) -> bool:
    """Return whether a (2,) point is Pareto-stationary in the lower half, where the global front lies."""
    rows = torch.from_numpy(toy_gradients(point[None], 1.0)[0])
    gramian = rows @ rows.T
    if not (gramian.diagonal() > 0).all():
        return bool(point[1] < -7)
    weights = min_norm_weights(gramian)
    shortest = float((weights @ gramian @ weights).clamp(min=0).sqrt())
    return bool(point[1] < -7) and shortest < 0.05 * float(gramian.diagonal().max().sqrt())


def run_method(name: str, toy: Toy, steps: int, rate: float) -> list[dict[str, Any]]:
    """Return, for each start, the thinned `path`, and the `end` with its `losses` and whether it is on the `front`."""
    points = descend(METHODS[name](**DEFAULTS.get(name, {})), toy.starts, steps, rate, toy.scale)
    losses = toy_losses(points[-1], toy.scale)
    return [
        {
            "path": thin(points[:, index]),
            "end": [round(value, 2) for value in points[-1, index].tolist()],
            "losses": [round(value, 3) for value in losses[index].tolist()],
            "front": is_on_front(points[-1, index]),
        }
        for index in range(len(toy.starts))
    ]


def make_line(name: str, ends: Sequence[dict[str, Any]]) -> list[str]:
    """Return a method's line of the table: how many ends are on the front, and each of them."""
    cells = []
    for found in ends:
        one, two = found["end"]
        cells.append(f"front, {one:z.1f}" if found["front"] else f"({one:z.1f}, {two:z.1f})")
    return [f"`{name}`", f"{sum(found['front'] for found in ends)} of {len(ends)}", *cells]


def main() -> None:
    """Run the methods and print where they end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", help="names of balancing methods")
    parser.add_argument("--toy", choices=TOYS, default="unequal", help="FAMO's setting, or CAGrad's of equal scales")
    parser.add_argument("--steps", type=int, help="as published without it")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path, help="an SVG with all trajectories")
    options = parser.parse_args()
    toy, names = TOYS[options.toy], options.methods or SHOWN
    steps, rate = options.steps or toy.steps, options.rate
    settings = {"toy": options.toy, "steps": steps, "rate": rate, "torch": torch.__version__}
    record = Record(options.json, settings)
    for name in names:
        ends = record.find(name, partial(run_method, name, toy, steps, rate))
        for start, found in zip(toy.starts, ends, strict=True):
            where = "front" if found["front"] else "-"
            print(f"{name:<12} from {start} to {found['end']}  losses {found['losses']}  {where}", flush=True)
    found = {name: record.results[name] for name in names}
    chosen = "".join(f" {name}" for name in options.methods)
    asked = f" --steps {steps}" if steps != toy.steps else ""
    note = (
        f"Ends after {steps:,} steps of Adam ({rate:g}): x₁ where they are on the Pareto front, else (x₁, x₂); "
        f"`python -m benchmarks.outside.toys{chosen} --toy {options.toy}{asked}`."
    )
    heads = ["", "on the front", *(f"from ({one:g}, {two:g})" for one, two in toy.starts)]
    record.set_table(heads, [make_line(name, ends) for name, ends in found.items()], note)
    if options.picture is not None:
        options.picture.write_text(draw({name: [end["path"] for end in ends] for name, ends in found.items()}))


if __name__ == "__main__":
    main()
