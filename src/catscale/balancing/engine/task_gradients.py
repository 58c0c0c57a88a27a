"""The gradients of all tasks, added up use by use from what layers took in and what came back to them.

Legend: K tasks, R rows of what a layer takes in, (O, I) the shape of a matrix.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from catscale.balancing.engine.step_gradients import TaskGradient


@dataclass(frozen=True, eq=False)
class Stretches:
    """The owners of rows, stretch by stretch of rows of one task.

    Attributes:
        owners: (N,) int64, the number of the task of each sentence or token.
        tasks: The number of the task of each stretch.
        sizes: The number of the N in each stretch.
        order: (N,) int64, the order that brings them together; None where they are.
    """

    owners: Tensor
    tasks: Sequence[int]
    sizes: Sequence[int]
    order: Tensor | None
    _there: dict[torch.device, tuple[Tensor, Tensor | None]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, owners: Tensor) -> "Stretches":
        """Return those of (N,) int64 numbers of tasks."""
        order = owners.argsort(stable=True)
        tasks, sizes = torch.unique_consecutive(owners[order], return_counts=True)
        is_there = bool((owners.diff() >= 0).all())
        return cls(owners, tasks.tolist(), sizes.tolist(), None if is_there else order)

    def split(self, rows: Tensor) -> list[Tensor]:
        """Return the rows of each stretch, (r, …) each, from (R, …) with R a multiple of N, sentences first."""
        count = len(self.owners)
        _, order = self._on(rows.device)
        if order is not None:
            by_owner = rows.reshape(count, -1, *rows.shape[1:])
            rows = by_owner.index_select(0, order).flatten(0, 1)
        each = len(rows) // count
        return list(torch.split(rows, [size * each for size in self.sizes]))

    def sum(self, rows: Tensor, tasks: int) -> Tensor:
        """Return the (K, O) sums of (R, O) rows by task."""
        by_owner = rows.reshape(len(self.owners), -1, rows.shape[1])
        wide = torch.promote_types(rows.dtype, torch.float32)
        each = by_owner.sum(1, dtype=wide) if by_owner.shape[1] > 1 else by_owner[:, 0].to(wide)
        owners, _ = self._on(rows.device)
        return each.new_zeros(tasks, rows.shape[1]).index_add_(0, owners, each)

    def _on(self, device: torch.device) -> tuple[Tensor, Tensor | None]:
        """Return owners and order on a device, to which they are copied once, and nothing waits for it."""
        if device not in self._there:
            order = None if self.order is None else self.order.to(device, non_blocking=True)
            self._there[device] = self.owners.to(device, non_blocking=True), order
        return self._there[device]


class TaskGradients:
    """Gradients by parameter and task.

    Args:
        parameters: The parameters.
        count: K.
    """

    def __init__(self, parameters: Sequence[Tensor], count: int) -> None:
        self.like = {id(parameter): parameter for parameter in parameters}
        self.count = count
        self._found: dict[int, TaskGradient] = {}

    def add_product(self, parameter: int, task: int, left: Tensor, right: Tensor) -> None:
        """Add leftᵀ right to a task's gradient of a matrix.

        Args:
            parameter: The `id` of the matrix.
            task: The number of the task.
            left: (r, O).
            right: (r, I), of the same type.
        """
        rows, dtype = self._of(parameter), self.like[parameter].dtype
        held = rows[task]
        if held is None:
            rows[task] = (left.T @ right).to(dtype)
        elif left.dtype == dtype:
            held.addmm_(left.T, right)
        else:
            held += left.T @ right

    def add_rows(self, parameter: int, task: int, places: Tensor, rows: Tensor) -> None:
        """Add (r, W) rows to a task's gradient of a table, (V, W), at (r,) places.

        Args:
            parameter: The `id` of the table.
            task: The number of the task.
            places: The row of the table of each row.
            rows: The rows.
        """
        found = self._of(parameter)
        held = found[task]
        if held is None:
            held = found[task] = torch.zeros_like(self.like[parameter], requires_grad=False)
        held.index_add_(0, places, rows.to(held.dtype))

    def add_vectors(self, parameter: int, rows: Tensor, stretches: Stretches) -> None:
        """Add (R, O) rows to the gradients of a vector.

        Args:
            parameter: The `id` of the vector; 0 for one that is not compared.
            rows: The rows.
            stretches: Their owners.
        """
        if not parameter:
            return
        found = self._of(parameter)
        each = stretches.sum(rows, self.count).to(self.like[parameter].dtype).unbind()
        for task in stretches.tasks:
            held = found[task]
            if held is None:
                found[task] = each[task]
            else:
                held += each[task]

    def rows(self, parameters: Sequence[Tensor]) -> list[TaskGradient]:
        """Return the K gradients, and forget them."""
        found, self._found = self._found, {}
        none: TaskGradient = [None] * self.count
        return [[found.get(id(parameter), none)[task] for parameter in parameters] for task in range(self.count)]

    def _of(self, parameter: int) -> TaskGradient:
        return self._found.setdefault(parameter, [None] * self.count)
