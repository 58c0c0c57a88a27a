"""A physics-informed network for Burgers' equation, its two losses balanced by several methods.

    python -m benchmarks.outside.burgers [METHOD …] [--steps 3000] [--seeds 3] [--rate 0.001] [--json FILE]

The problem of ConFIG's paper with two losses: the residual of the equation at 2,000 points inside, and the conditions
at 250 points of the border and of the start, drawn anew in each step (with points that stay, a network learns these by
heart: `config` erred by 0.056 after 3,000 steps of seed 0, and by 0.014 with new ones). A network of 4 layers of width
50, tanh, Adam with a rate that falls by a cosine; `fixed` is plain Adam on the sum. Prints the mean squared error
against the exact solution on 101 × 101 points, mean ± standard deviation over seeds. Sizes are small: the paper's are
larger and its runs longer.
With --json every training is written when it ends, and the same command goes on where it was stopped; the table is of
the seeds that all methods have.
"""

import argparse
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from benchmarks.outside.burgers_exact import VISCOSITY, exact_solution
from benchmarks.outside.record import Record
from torch import Tensor, nn

from catscale.balancing import METHODS, TaskBalancer

METHOD_NAMES = ("config", "pcgrad", "imtl_g", "fixed", "mgda", "relobralo", "lra")
WIDTH, DEPTH = 50, 4
INSIDE, BORDER = 2000, 250


@dataclass(frozen=True)
class Points:
    """Training points.

    Attributes:
        inside: (INSIDE, 2) x and t.
        border: (BORDER, 2) x and t.
        values: (BORDER, 1) u there.
    """

    inside: Tensor
    border: Tensor
    values: Tensor


def draw_points(generator: torch.Generator) -> Points:
    """Return points drawn uniformly, half of the border's at the start."""
    inside = torch.rand(INSIDE, 2, generator=generator) * torch.tensor([2.0, 1.0]) - torch.tensor([1.0, 0.0])
    border = torch.rand(BORDER, 2, generator=generator) * torch.tensor([2.0, 1.0]) - torch.tensor([1.0, 0.0])
    border[: BORDER // 2, 1] = 0.0
    border[BORDER // 2 :, 0] = border[BORDER // 2 :, 0].sign()
    values = torch.where(border[:, 1:] == 0, -torch.sin(math.pi * border[:, :1]), torch.zeros(BORDER, 1))
    return Points(inside, border, values)


def build_network() -> nn.Sequential:
    """Return the network from (P, 2) to (P, 1)."""
    sizes = [2, *[WIDTH] * DEPTH]
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 1))


def residual_loss(network: nn.Module, inside: Tensor) -> Tensor:
    """Return the mean of (u_t + u u_x − ν u_xx)²."""
    points = inside.clone().requires_grad_()
    u = network(points)
    slope = torch.autograd.grad(u.sum(), points, create_graph=True)[0]
    u_x, u_t = slope[:, :1], slope[:, 1:]
    u_xx = torch.autograd.grad(u_x.sum(), points, create_graph=True)[0][:, :1]
    loss: Tensor = (u_t + u * u_x - VISCOSITY * u_xx).square().mean()
    return loss


def border_loss(network: nn.Module, points: Points) -> Tensor:
    """Return the mean of the squared difference from the conditions."""
    loss: Tensor = (network(points.border) - points.values).square().mean()
    return loss


def train(method: Any, seed: int, steps: int, rate: float) -> float:
    """Return the mean squared error of one training."""
    torch.manual_seed(seed)
    network, generator = build_network(), torch.Generator().manual_seed(seed)
    balancer = TaskBalancer(method, ["equation", "border"], network.parameters())
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        points = draw_points(generator)
        balancer.backward(
            {
                "equation": partial(residual_loss, network, points.inside),
                "border": partial(border_loss, network, points),
            }
        )
        optimizer.step()
        schedule.step()
    return find_error(network)


def find_error(network: nn.Module) -> float:
    """Return the mean squared error on 101 × 101 points."""
    x, t = (
        axis.flatten() for axis in torch.meshgrid(torch.linspace(-1, 1, 101), torch.linspace(0, 1, 101), indexing="ij")
    )
    with torch.no_grad():
        found = network(torch.stack([x, t], 1))[:, 0]
    return float((found.double() - exact_solution(x, t)).square().mean())


def make_lines(results: Mapping[str, float], names: Sequence[str], seeds: int) -> list[list[str]]:
    """Return the table's lines, the least mean error first.

    Args:
        results: Mean squared error by `METHOD/SEED`.
        names: Methods.
        seeds: Trainings of each.
    """
    errors = {name: [results[f"{name}/{seed}"] for seed in range(seeds)] for name in names}
    lines = []
    for name in sorted(errors, key=lambda name: statistics.mean(errors[name])):
        spread = f" ± {statistics.stdev(errors[name]):.1e}" if seeds > 1 else ""
        each = ", ".join(f"{error:.1e}" for error in errors[name])
        lines.append([f"`{name}`", f"{statistics.mean(errors[name]):.1e}{spread}", each])
    return lines


def main() -> None:
    """Train all methods with all seeds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", help="names of balancing methods")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    names, steps, rate = options.methods or METHOD_NAMES, options.steps, options.rate
    record = Record(options.json, {"steps": steps, "rate": rate, "torch": torch.__version__})
    command = " ".join(["python -m benchmarks.outside.burgers", *options.methods, f"--steps {steps}"])
    for seed in range(options.seeds):
        for name in names:
            found = record.find(f"{name}/{seed}", partial(train, METHODS[name](), seed, steps, rate))
            print(f"{name:<10} seed {seed}  {found:.2e}", flush=True)
        note = (
            f"Mean squared error on 101 × 101 points after {steps:,} steps, mean ± standard deviation over the seeds, "
            f"and each; `{command}`; torch {torch.__version__}."
        )
        record.set_table(["", "error", "by seed"], make_lines(record.results, names, seed + 1), note)
    for line in record.lines:
        print(*line, sep="   ")


if __name__ == "__main__":
    main()
