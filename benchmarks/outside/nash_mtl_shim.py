"""The call of nash-mtl and its many forks, answered by catscale.

Those trainers hold `weight_method = WeightMethods(method, n_tasks=…, device=…, …)`, and where others call
`loss.backward()` they call

    loss, extra = weight_method.backward(losses, shared_parameters=…, task_specific_parameters=…,
                                         last_shared_parameters=…, representation=…)

Put this class in the place of theirs: `WeightMethods("cats", n_tasks=3, device=device)`, any method of the table, with
its settings as keywords. `extra["weights"]` are those of the step. Methods of norms over one layer (`gradnorm`) take
`last_shared_parameters` for it.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from catscale.balancing import METHODS, TaskBalancer


class WeightMethods:
    """The interface of nash-mtl over a `TaskBalancer`, made at the first call, when the parameters are known."""

    def __init__(self, method: str, n_tasks: int, device: torch.device | str, **settings: Any) -> None:
        self.method, self.device = METHODS[method](**settings), device
        self.tasks = [str(n) for n in range(n_tasks)]
        self.balancer: TaskBalancer | None = None

    def parameters(self) -> list[Tensor]:
        """Return nothing: what a method learns, it moves by itself."""
        return []

    def backward(
        self,
        losses: Tensor,
        shared_parameters: Iterable[Tensor],
        task_specific_parameters: Iterable[Tensor] | None = None,
        last_shared_parameters: Iterable[Tensor] | None = None,
        representation: Tensor | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Leave the combined gradient in `.grad`; return the weighted loss and the weights."""
        if self.balancer is None:
            groups = {"last_shared": list(last_shared_parameters)} if last_shared_parameters is not None else None
            self.balancer = TaskBalancer(self.method, self.tasks, list(shared_parameters), groups=groups)
        step = self.balancer.backward(dict(zip(self.tasks, losses.unbind(), strict=True)))
        weights = torch.tensor([step.weights[task] for task in self.tasks], dtype=losses.dtype, device=self.device)
        return (weights * losses.detach()).sum(), {"weights": weights}
