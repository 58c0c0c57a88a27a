"""A mixed batch that says whose each of its rows is, so that one backward pass tells of each task.

Legend: K tasks, B sentences, M predicted tokens, R rows of what a layer takes in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from catscale.balancing.engine.graph_uses import UnknownUseError, find_uses
from catscale.balancing.engine.losses import MixedLoss
from catscale.balancing.engine.parameter_uses import ParameterUse, Vector
from catscale.balancing.engine.task_gradients import Stretches, TaskGradients


@dataclass(frozen=True)
class OwnedBatch:
    """A function of a mixed batch for `TaskBalancer.backward`, with the owners of its rows.

    No sentence may have part in the loss of another one's task, as it has under batch normalisation. What layers take
    in is either (B, positions, …), sentences first, or (M, …), as after the predicted tokens were picked out.

    Attributes:
        compute: Returns the losses by task.
        tasks: Names of the tasks.
        sentences: (B,) int64, the number in `tasks` of each sentence's task.
        tokens: (M,) int64, that of each predicted token; None where no layer takes in tokens apart from sentences.
    """

    compute: MixedLoss
    tasks: Sequence[str]
    sentences: Tensor
    tokens: Tensor | None = None

    def __call__(self) -> Mapping[str, Tensor]:
        """Return the losses by task."""
        return self.compute()

    def watch(
        self, losses: Sequence[Tensor], parameters: Sequence[Tensor], by_hooks: bool = True
    ) -> list[ParameterUse]:
        """Return the uses of parameters in the graph of this batch's losses, whose rows have owners here; arguments as
        of `find_uses`.

        Raises:
            UnknownUseError: If one of them is not known, or whose its rows are is not certain.
        """
        uses = find_uses(losses, parameters, by_hooks)
        for use in uses:
            if self._owners(use.shape) is None:
                raise UnknownUseError(f"whose the rows of shape {use.shape} are is not known")
        count = len(self.sentences)
        wide = {use.shape[:2] for use in uses if len(use.shape) > 1}
        if count > 1 and wide == {(count, count)}:
            raise UnknownUseError(f"sentences and positions are both {count}, which cannot be told apart")
        return uses

    def _owners(self, shape: Sequence[int]) -> Tensor | None:
        """Return whose rows of a shape are, the first dimension's; None where it is not known."""
        if len(shape) == 1 and self.tokens is not None and shape[0] == len(self.tokens):
            return self.tokens
        return self.sentences if shape and shape[0] == len(self.sentences) else None

    def multiply(self, uses: Sequence[ParameterUse], vector: Vector) -> dict[str, Tensor]:
        """Return the () float64 product of each task's gradient with a vector.

        Args:
            uses: The uses that `watch` found, after the backward pass.
            vector: The vector.
        """
        return self._sum([(use.shape, use.multiply(vector)) for use in uses])

    def add(
        self, uses: Sequence[ParameterUse], back: Sequence[Tensor | None], names: Sequence[str], found: TaskGradients
    ) -> None:
        """Add the gradients of this batch's tasks.

        Args:
            uses: The uses that `watch` found.
            back: The gradient of what each gave out; None for nothing.
            names: Names of all tasks, which `found` numbers.
            found: Takes them.
        """
        numbers = torch.tensor([names.index(task) for task in self.tasks])
        stretches = {id(owners): Stretches.of(numbers[owners.cpu()]) for owners in self._all_owners()}
        for use, gradient in zip(uses, back, strict=True):
            owners = self._owners(use.shape)
            assert owners is not None
            if gradient is not None:
                use.add(gradient.detach(), stretches[id(owners)], found)

    def _all_owners(self) -> list[Tensor]:
        return [self.sentences] if self.tokens is None else [self.sentences, self.tokens]

    def squares(self, uses: Sequence[ParameterUse]) -> dict[str, Tensor]:
        """Return () numbers by task that are finite where what came back of its rows is."""
        return self._sum([(use.shape, use.squares()) for use in uses])

    def _sum(self, found: Sequence[tuple[Sequence[int], Tensor | None]]) -> dict[str, Tensor]:
        """Sum (R,) numbers by the owners of rows."""
        totals: dict[int, Tensor] = {}  # over all uses, by the owners that they share
        for shape, rows in found:
            if rows is None:
                continue
            owners = self._owners(shape)
            assert owners is not None
            each = rows.reshape(len(owners), -1).sum(1, dtype=torch.float64)
            totals[id(owners)] = totals[id(owners)] + each if id(owners) in totals else each
        device = next((total.device for total in totals.values()), None)
        sums = torch.zeros(len(self.tasks), dtype=torch.float64, device=device)
        for owners in self._all_owners():
            if id(owners) in totals:
                sums.index_add_(0, owners.to(sums.device, non_blocking=True), totals[id(owners)].to(sums.device))
        return dict(zip(self.tasks, sums.unbind(), strict=True))
