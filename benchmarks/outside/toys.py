"""Trajectories of all methods on the two-task toy of CAGrad, Nash-MTL and FAMO, from its five starts.

    python -m benchmarks.outside.toys [METHOD …] [--steps 50000] [--rate 0.001] [--scale 0.1] [--picture FILE.svg]

A line per method and start: where it ends, both losses there, and whether that is on the Pareto front (x_2 < −7 and
the min-norm point of both gradients next to 0). The published pictures have Adam with a rate of 0.001 and 35,000
(Nash-MTL) or 50,000 steps (FAMO), the defaults here; all five starts go down together, each with a state of its own.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from benchmarks.outside.toy_picture import draw
from benchmarks.outside.toy_problem import SHIFT, STARTS, toy_gradients, toy_losses
from torch import Tensor

from catscale.balancing import METHODS, Signals
from catscale.balancing.methods.mgda import min_norm_weights

PUBLISHED = ("fixed", "mgda", "pcgrad", "cagrad", "imtl_g", "nash_mtl", "famo")
"""Methods of the published pictures that are in the table; `fixed` is their LS."""
DEFAULTS: dict[str, dict[str, Any]] = {"nash_mtl": {"max_norm": None}, "famo": {"learning_rate": 0.025}}


def descend(method: Any, starts: Sequence[Sequence[float]], steps: int, rate: float, scale: float) -> Tensor:
    """Return (steps + 1, S, 2) points of Adam's trajectories from S starts.

    Args:
        method: Settings of a balancing method.
        starts: S points.
        steps: Steps of each.
        rate: Adam's learning rate.
        scale: Factor of the first loss.
    """
    points = torch.nn.Parameter(torch.tensor(starts, dtype=torch.float64))
    bound = method.bind(["first", "second"], [])
    states = [bound.init(2) for _ in starts]
    optimizer = torch.optim.Adam([points], lr=rate)
    passed = [points.detach().clone()]
    for _ in range(steps):
        rows = toy_gradients(points, scale)
        losses = torch.stack(toy_losses(points.detach(), scale, SHIFT), 1)
        points.grad = torch.zeros_like(points)
        for index, state in enumerate(states):
            weights, states[index] = bound.step(state, show(bound, state, losses[index], rows[index]))
            points.grad[index] = weights @ rows[index]
        optimizer.step()
        passed.append(points.detach().clone())
    return torch.stack(passed)


def show(method: Any, state: Any, losses: Tensor, rows: Tensor) -> Signals:
    """Return what a step with (2,) losses and (2, 2) gradients shows to a method that asked for it.

    Args:
        method: The method, bound to its tasks.
        state: Its state.
        losses: (2,).
        rows: (2, D) gradients.
    """
    tasks, kind = torch.arange(len(losses)), method.request(state).kind
    return Signals(
        tasks,
        losses,
        gramian=rows @ rows.T if kind == "gramian" else None,
        products=rows @ (method.weights(state, tasks) @ rows) if kind == "products" else None,
        norms=rows.norm(dim=1) if kind == "norms" else None,
    )


def is_on_front(point: Tensor) -> bool:
    """Return whether a (2,) point is Pareto-stationary in the lower half, where the global front lies."""
    rows = toy_gradients(point[None], 1.0)[0]
    gramian = rows @ rows.T
    if not (gramian.diagonal() > 0).all():
        return bool(point[1] < -7)
    weights = min_norm_weights(gramian)
    shortest = float((weights @ gramian @ weights).clamp(min=0).sqrt())
    return bool(point[1] < -7) and shortest < 0.05 * float(gramian.diagonal().max().sqrt())


def main() -> None:
    """Run the methods and print where they end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", default=list(PUBLISHED), help="names of balancing methods")
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--picture", type=Path, help="an SVG with all trajectories")
    options = parser.parse_args()
    found: dict[str, list[Tensor]] = {}
    for name in options.methods or PUBLISHED:
        method = METHODS[name](**DEFAULTS.get(name, {}))
        points = descend(method, STARTS, options.steps, options.rate, options.scale)
        losses = torch.stack(toy_losses(points[-1], options.scale), 1)
        for start, end, (first, second) in zip(STARTS, points[-1], losses.tolist(), strict=True):
            where = "front" if is_on_front(end) else "-"
            print(
                f"{name:<12} from ({start[0]:5.1f}, {start[1]:5.1f}) to ({end[0]:6.2f}, {end[1]:6.2f})  "
                f"L1 {first:6.3f}  L2 {second:7.3f}  {where}",
                flush=True,
            )
        found[name] = list(points[:: max(1, len(points) // 500)].unbind(1))
    if options.picture is not None:
        options.picture.write_text(draw(found), encoding="utf-8")


if __name__ == "__main__":
    main()
