"""F-MTL: every task is perturbed by its own gradient, and its flat direction is combined apart from its gradient.

Legend: θ all trainable parameters, L_n loss of task n, ρ the radius, A the balancing method: vectors → Σ w_n g_n.

    g_n = ∇L_n(θ);   e_n = ρ g_n / (‖g_n‖ + 1e-12);   h_n = ∇L_n(θ + e_n) − g_n        same dropout masks in both
    θ   ← AdamW(θ, clip(A(g_1 … g_K) + A(h_1 … h_K)))

Source: Phan et al., "Beyond Losses Reweighting: Empowering Multi-Task Learning via the Generalization Perspective"
("Improving Multi-task Learning via Seeking Task-based Flat Regions"), 2025, arXiv 2211.13723.

Differences from the paper: it begins late (`catscale.optimisation.late`). A is any balancing method of the table that
looks at whole gradients; its state moves once, by the g_n, and the weights of the h_n are what it finds from their
products in the state before. Where its weights are known before the step and it measures nothing, A is linear:
A(g) + A(h) = Σ w_n ∇L_n(θ + e_n).
"""

from functools import partial
from typing import ClassVar, Literal

from pydantic import Field
from torch.optim import Optimizer

from catscale.optimisation.contract import Descent, Seen
from catscale.optimisation.gradient import norm_of
from catscale.optimisation.late import LateSettings
from catscale.optimisation.moved import SMALLEST, moved
from catscale.optimisation.task_descent import TaskDescent, TaskVector


class TaskwiseSettings(LateSettings):
    """The base of those that look at tasks one by one, each at a point of its own.

    Attributes:
        rho: ρ, the distance to the worst point of a task; 0 for plain training, bit for bit.
    """

    takes_apart: ClassVar[bool] = True
    rho: float = Field(default=0.05, ge=0, le=1e6)

    def is_sharp(self, step: int) -> bool:
        """Return whether update number `step` looks elsewhere.

        Raises:
            ConfigError: If that depends on `total_steps`, and it is not known.
        """
        return super().is_sharp(step) and self.rho > 0

    def take(self, optimizer: Optimizer, descent: Descent[Seen], step: int) -> Seen:
        """Move the parameters: each task climbs and descends by itself.

        Raises:
            DivergedError: On a loss or gradient that is not finite; parameters and state are as they were.
        """
        if not self.is_sharp(step):
            return super().take(optimizer, descent, step)
        seen = self.combine(descent.apart(), step)
        self.update(optimizer, step)
        return seen

    def combine(self, tasks: TaskDescent[Seen], step: int) -> Seen:
        """Leave the gradient of update number `step` in `.grad`; return what the balancing method saw."""
        raise NotImplementedError


class ClimbingTasks(TaskwiseSettings):
    """The base of those whose tasks climb along their own gradients."""

    with_same_weights: ClassVar[bool] = False
    """Whether the weights of the h_n are those of the g_n."""

    def radius(self, epochs: float) -> float:
        """Return ρ_n of a task whose pairs the run has gone through `epochs` times."""
        return self.rho

    def combine(self, tasks: TaskDescent[Seen], step: int) -> Seen:
        """Leave A(g) + A(h) in `.grad`; return what the balancing method saw of the g_n."""
        if tasks.is_linear:
            return tasks.combine({task: partial(self._sharp, tasks, task) for task in tasks.tasks})
        plain: dict[str, TaskVector] = {}
        flat: dict[str, TaskVector] = {}
        for task in tasks.tasks:
            plain[task] = tasks.gradient(task)
            flat[task] = _difference(self._above(tasks, task, plain[task]), plain[task])
        seen = tasks.combine({task: partial(plain.__getitem__, task) for task in plain})
        tasks.combine_more(flat, self.with_same_weights)
        return seen

    def _sharp(self, tasks: TaskDescent[Seen], task: str) -> TaskVector:
        """Return ∇L_n(θ + e_n)."""
        return self._above(tasks, task, tasks.gradient(task))

    def _above(self, tasks: TaskDescent[Seen], task: str, plain: TaskVector) -> TaskVector:
        """Return ∇L_n(θ + e_n), from g_n: g_n itself where ρ_n is 0."""
        radius = self.radius(tasks.epochs(task))
        if radius == 0:
            return plain
        with moved(tasks.parameters, plain, radius / (norm_of(plain) + SMALLEST)):
            return tasks.gradient(task)


class FMTL(ClimbingTasks):
    """AdamW on the tasks' gradients and on their flat directions, each combined by the balancing method.

    Cost: a step after `from` takes twice the time and D more numbers for the parameters put aside, D for one gradient;
    where the balancing method measures the step, 2 K gradients are held.
    """

    method: Literal["flat"] = "flat"


def _difference(one: TaskVector, other: TaskVector) -> TaskVector:
    return [
        found if before is None else -before if found is None else found - before
        for found, before in zip(one, other, strict=True)
    ]
