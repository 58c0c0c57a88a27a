"""SAMO: tasks climb along the mean gradient, turned towards each task by the sign of one random direction.

Legend: θ all trainable parameters in tensors l, L_n loss of task n, K tasks in the step, ρ the radius, A the balancing
method: vectors → Σ w_n g_n.

    g_0     = (1/K) Σ ∇L_n(θ)
    ẑ_n     = ((L_n(θ + μ z) − L_n(θ − μ z)) / 2μ) z,    z ~ N(0, I), one for each task and step, dropout off
    p_{n,l} = (1 − β) g_{0,l} + β ‖g_{0,l}‖ ẑ_{n,l} / ‖ẑ_{n,l}‖
    e_n     = ρ p_n / (‖p_n‖ + 1e-12);    g'_n = ∇L_n(θ + e_n)
    θ       ← AdamW(θ, clip(A(g'_1 … g'_K)))

Scaled to its length in each tensor, ẑ_n is ± z / ‖z_l‖ with the sign that raises L_n: a random direction, and no
estimate of the task's gradient. β = 0 is the ablation, SAM along the mean gradient, without the 2 K forward passes.

Source: Ban, Subramani and Ji, "SAMO: A Lightweight Sharpness-Aware Approach for Multi-Task Optimization with Joint
Global-Local Perturbation", 2025, arXiv 2507.07883; and the authors' code, OptMN-Lab/SAMO.

Differences from the source: it begins late (`catscale.optimisation.late`); z follows from the number of the step
and the names of task and parameter, and no generator is shared with anything else; the method is shown the losses at θ.
"""

import zlib
from collections.abc import Iterator
from functools import partial
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from catscale.optimisation.contract import Seen
from catscale.optimisation.flat import TaskwiseSettings
from catscale.optimisation.gradient import norm_of
from catscale.optimisation.moved import SMALLEST, moved
from catscale.optimisation.task_descent import TaskDescent, TaskVector


class SAMO(TaskwiseSettings):
    """AdamW on the tasks' gradients at points above the mean gradient, a little to one side or the other.

    Cost: a step after `from` takes twice the time, and with β > 0 two forward passes more; D numbers for the parameters
    put aside, D for the mean gradient, D for the directions.

    Attributes:
        rho: ρ, the distance to a task's point; 0 for plain training, bit for bit.
        beta: β, the part of the random direction.
        mu: μ, the step along z by which losses are compared.
    """

    method: Literal["samo"] = "samo"
    rho: float = Field(default=0.001, ge=0, le=1e6)
    beta: float = Field(default=0.5, ge=0, le=1)
    mu: float = Field(default=0.01, gt=0, le=1e6)

    def combine(self, tasks: TaskDescent[Seen], step: int) -> Seen:
        """Leave A(g') in `.grad`; return what the balancing method saw."""
        mean = mean_gradient(tasks)
        return tasks.combine({task: partial(self._above, tasks, task, mean, step) for task in tasks.tasks})

    def _above(self, tasks: TaskDescent[Seen], task: str, mean: TaskVector, step: int) -> TaskVector:
        """Return g'_n."""
        direction = self.turn(tasks, task, mean, step) if self.beta else mean
        with moved(tasks.parameters, direction, self.rho / (norm_of(direction) + SMALLEST)):
            return tasks.gradient(task)

    def turn(self, tasks: TaskDescent[Seen], task: str, mean: TaskVector, step: int) -> TaskVector:
        """Return p_n."""
        parameters = tasks.parameters
        z = list(draw_directions(tasks, task, step))
        with moved(parameters, z, self.mu):
            higher = tasks.loss(task)
        with moved(parameters, z, -self.mu):
            higher -= tasks.loss(task)
        side = (higher > 0) - (higher < 0)
        return [
            None if part is None else (1 - self.beta) * part + self.beta * part.norm() * side * one / one.norm()
            for part, one in zip(mean, z, strict=True)
        ]


def mean_gradient(tasks: TaskDescent[Seen]) -> TaskVector:
    """Return g_0."""
    total: list[Tensor | None] = [None] * len(tasks.parameters)
    for task in tasks.tasks:
        for place, part in enumerate(tasks.gradient(task)):
            found = total[place]
            if part is not None:
                total[place] = (
                    part / len(tasks.tasks) if found is None else found.add_(part, alpha=1 / len(tasks.tasks))
                )
    return total


def draw_directions(tasks: TaskDescent[Seen], task: str, step: int) -> Iterator[Tensor]:
    """Yield z of a task in a step, tensor by tensor, the same whenever it is drawn."""
    for name, parameter in zip(tasks.names, tasks.parameters, strict=True):
        generator = torch.Generator().manual_seed(zlib.crc32(f"{step} {task} {name}".encode()))
        yield torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype).to(parameter.device)
