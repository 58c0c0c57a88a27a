"""The bowl that checks of an optimiser go down: a quadratic of two tasks, which counts what is asked of it.

Legend: θ two parameters of 3 and 2 numbers, H (5, 5) a diagonal Hessian, L = ½ θᵀHθ = L_first + L_second.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

from catscale.errors import DivergedError
from catscale.optimisation.task_descent import TaskVector

START = (1.0, -2.0, 0.5, 3.0, -1.0)
CURVATURES = {"first": (1.0, 9.0, 0.1), "second": (4.0, 2.0)}


class Bowl:
    """The descent of L from a point.

    Args:
        fails: Number of the call that finds a loss which is not finite; 0 for none.
        scale: The factor on all gradients.

    Attributes:
        named: θ by name, and `unused`, which no loss depends on.
        calls: Gradients and losses that were asked for so far.
    """

    def __init__(self, fails: int = 0, scale: float = 1.0) -> None:
        self.named = {"first": Parameter(torch.tensor(START[:3])), "second": Parameter(torch.tensor(START[3:]))}
        self.named["unused"] = Parameter(torch.ones(2))
        self.calls, self.fails, self.scale = 0, fails, scale

    def task_loss(self, task: str) -> Tensor:
        """Return L_n."""
        theta = self.named[task]
        return (theta * theta * torch.tensor(CURVATURES[task])).sum() / 2

    def loss(self) -> Tensor:
        """Return L."""
        return self.task_loss("first") + self.task_loss("second")

    def count(self) -> None:
        """Count a call.

        Raises:
            DivergedError: If it is the one that fails.
        """
        self.calls += 1
        if self.calls == self.fails:
            raise DivergedError("the loss is not finite")

    def __call__(self) -> float:
        """Leave ∇L in `.grad`; return L.

        Raises:
            DivergedError: If it is the call that fails.
        """
        self.count()
        loss = self.loss()
        torch.autograd.backward(loss * self.scale)
        return loss.item()

    def repeat(self) -> None:
        """Leave ∇L there once more.

        Raises:
            DivergedError: If it is the call that fails.
        """
        self()

    def apart(self) -> "BowlTasks":
        """Return the two tasks."""
        return BowlTasks(self)

    def norm(self, parameters: Sequence[Tensor]) -> Tensor | None:
        """Return nothing: the norm is found anew."""
        return None

    def price_of_curvature(self) -> float:
        """Return 0.1 per mean square of the gradient."""
        norm = torch.nn.utils.get_total_norm([p.grad for p in self.named.values() if p.grad is not None]).item()
        return 0.1 / norm**2 if norm else 0.0


class BowlTasks:
    """The tasks of a bowl, whose balancing method adds up what it is given.

    Args:
        bowl: Counts what is asked of its tasks.
    """

    is_linear = True

    def __init__(self, bowl: Bowl) -> None:
        self.bowl, self.tasks = bowl, list(CURVATURES)
        self.names, self.parameters = list(bowl.named), list(bowl.named.values())
        self._loss = bowl.loss().item()

    def epochs(self, task: str) -> float:
        """Return 2 for one task and 1 for the other."""
        return 2.0 if task == "first" else 1.0

    def gradient(self, task: str) -> TaskVector:
        """Return ∇L_n.

        Raises:
            DivergedError: If it is not finite, or the call the one that fails.
        """
        self.bowl.count()
        loss = self.bowl.task_loss(task) * self.bowl.scale
        found = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        if not all(bool(part.isfinite().all()) for part in found if part is not None):
            raise DivergedError(f"the gradient of task {task!r} is not finite")
        return found

    def loss(self, task: str) -> float:
        """Return L_n.

        Raises:
            DivergedError: If it is the call that fails.
        """
        self.bowl.count()
        return self.bowl.task_loss(task).item()

    def combine(self, vectors: Mapping[str, Callable[[], TaskVector]]) -> float:
        """Add the sum of vectors to `.grad`; return L where the step began."""
        self.combine_more({task: vector() for task, vector in vectors.items()}, True)
        return self._loss

    def combine_more(self, vectors: Mapping[str, TaskVector], with_same_weights: bool) -> None:
        """Add the sum of more vectors to `.grad`."""
        for vector in vectors.values():
            for parameter, part in zip(self.parameters, vector, strict=True):
                if part is not None:
                    parameter.grad = part.clone() if parameter.grad is None else parameter.grad + part
