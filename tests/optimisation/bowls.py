"""Two tasks whose losses are quadratics in float64, and their weighted sum as a balancing method that is linear."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

from catscale.optimisation.task_descent import TaskVector

HESSIANS = {"one": torch.tensor([1.0, 9.0]).double(), "two": torch.tensor([4.0, 0.5]).double()}
CENTRES = {"one": torch.tensor([0.0, 0.0]).double(), "two": torch.tensor([2.0, -1.0]).double()}
WEIGHTS = {"one": 1.0, "two": 0.5}


def gradient_at(task: str, theta: Tensor) -> Tensor:
    """Return ∇L_n at θ."""
    return HESSIANS[task] * (theta - CENTRES[task])


def loss_at(task: str, theta: Tensor) -> float:
    """Return L_n at θ."""
    return ((theta - CENTRES[task]) ** 2 * HESSIANS[task]).sum().item() / 2


class Bowls:
    """A step of these tasks from (1, 1), which notes the points that are looked at.

    Args:
        tasks: The tasks of the step.
        epochs: How often each was gone through.
        is_linear: Whether the weights are known before the step.
    """

    def __init__(self, *tasks: str, epochs: float = 3.0, is_linear: bool = True) -> None:
        self.named = {"theta": Parameter(torch.ones(2, dtype=torch.float64))}
        self.tasks, self.is_linear = tasks, is_linear
        self.names, self.parameters = list(self.named), list(self.named.values())
        self._epochs, self.points, self.losses = epochs, list[tuple[str, Tensor]](), 0
        self.more: bool | None = None
        self.looks = 0

    @property
    def theta(self) -> Tensor:
        """The point, without its graph."""
        return self.named["theta"].detach()

    def apart(self) -> "Bowls":
        self.looks += 1
        return self

    def epochs(self, task: str) -> float:
        return self._epochs if task == "one" else 0.5

    def gradient(self, task: str) -> TaskVector:
        self.points.append((task, self.theta.clone()))
        return [gradient_at(task, self.theta)]

    def loss(self, task: str) -> float:
        self.losses += 1
        return loss_at(task, self.theta)

    def combine(self, vectors: Mapping[str, Callable[[], TaskVector]]) -> float:
        self._add({task: vector() for task, vector in vectors.items()})
        return 0.0

    def combine_more(self, vectors: Mapping[str, TaskVector], with_same_weights: bool) -> None:
        self.more = with_same_weights
        self._add(vectors)

    def _add(self, vectors: Mapping[str, TaskVector]) -> None:
        theta = self.named["theta"]
        for task, (vector,) in vectors.items():
            if vector is not None:
                part = WEIGHTS[task] * vector
                theta.grad = part if theta.grad is None else theta.grad + part

    def __call__(self) -> float:
        self._add({task: self.gradient(task) for task in self.tasks})
        return 0.0

    def repeat(self) -> None:
        self()

    def norm(self, parameters: Sequence[Tensor]) -> Tensor | None:
        return None

    def price_of_curvature(self) -> float | None:
        return None
