"""What a training loop hands to the engine: each task's loss, in one piece or in parts, as a tensor or a function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from catscale.errors import ConfigError, DivergedError

LossPart = Tensor | Callable[[], Tensor]
"""A scalar loss with its graph, or a function that computes one (so that one graph at a time is alive)."""
Loss = LossPart | Sequence[LossPart]
"""One loss of a task, or the parts that add up to it (gradient accumulation)."""


@dataclass(frozen=True)
class Work:
    """The K tasks of a step, and what this process computes of them.

    Attributes:
        names: Names of the K tasks, the same on every process.
        task_ids: (K,) int64.
        parts: Parts of each task's loss; none for a task that only other processes hold.
        shares: What the K losses of this process are multiplied by before they are summed over the processes.
        portions: Which part of each task's data this process holds.
        counts: Parts of each task without those that `padded` adds.
    """

    names: list[str]
    task_ids: Tensor
    parts: list[list[LossPart]]
    shares: list[float]
    portions: list[float]
    counts: list[int]

    @property
    def are_all_functions(self) -> bool:
        """Whether no part is a tensor, whose graph was built before."""
        return not any(isinstance(part, Tensor) for parts in self.parts for part in parts)

    def padded(self, lengths: Sequence[int]) -> "Work":
        """The same with so many parts a task on every process: sharded models compute in step.

        The parts added are losses of this process once more, times zero.

        Raises:
            ConfigError: If this process has no loss to repeat, or losses are not functions.
        """
        missing = [length - len(parts) for length, parts in zip(lengths, self.parts, strict=True)]
        if not any(missing):
            return self
        own = next((part for parts in self.parts for part in parts), None)
        if own is None or isinstance(own, Tensor):
            raise ConfigError(
                "a sharded model computes in step on all processes, so each of them needs at least one task, with its "
                f"loss as a function, found {'a tensor' if own is not None else 'none'}; give functions"
            )
        spare: Callable[[], Tensor] = own
        parts = [
            [*found, *[lambda: torch.nan_to_num(spare(), 0.0, 0.0, 0.0) * 0] * count]
            for found, count in zip(self.parts, missing, strict=True)
        ]
        return replace(self, parts=parts)


def list_parts(loss: Loss) -> list[LossPart]:
    """The parts of one task's loss; what is no loss at all is left to `evaluate`, which names the task."""
    return list(loss) if isinstance(loss, Sequence) else [loss]


def evaluate(name: str, part: LossPart) -> Tensor:
    """The loss, with its graph.

    Raises:
        ConfigError: If it is no scalar that depends on a parameter.
    """
    loss: object = part() if callable(part) and not isinstance(part, Tensor) else part
    if not isinstance(loss, Tensor) or loss.numel() != 1 or not loss.requires_grad:
        kind = type(loss).__name__ if not isinstance(loss, Tensor) else f"shape {tuple(loss.shape)}"
        graph = " without a graph" if isinstance(loss, Tensor) and not loss.requires_grad else ""
        raise ConfigError(
            f"the loss of task {name!r} must be a scalar tensor that depends on the parameters, found {kind}{graph}; "
            "return the loss itself, not its value, and leave out tasks without data"
        )
    return loss.reshape(())


def total(values: Sequence[Sequence[Tensor]]) -> Tensor:
    """(K,) float64 on the CPU: the sums of K lists of scalars, moved from the device at once."""
    sums = [torch.stack([v.detach().double() for v in found]).sum() if found else None for found in values]
    like = next((s for s in sums if s is not None), torch.zeros((), dtype=torch.float64))
    return torch.stack([torch.zeros_like(like) if s is None else s.to(like.device) for s in sums]).cpu()


def check_finite(names: Sequence[str], values: Tensor, what: str) -> None:
    """Stop before anything moves.

    Raises:
        DivergedError: Naming the first task whose value is not finite.
    """
    for name, value in zip(names, values.tolist(), strict=True):
        if value != value or value in (float("inf"), float("-inf")):
            raise DivergedError(
                f"the {what} of task {name!r} must be finite, found {value}; lower the learning rate or look at "
                "the data of that task",
                what,
                name,
            )


def check_names(losses: Mapping[str, Loss], tasks: Sequence[str], may_be_empty: bool) -> None:
    """Refuse tasks that the balancer does not know, and a step of none.

    Raises:
        ConfigError: Naming them.
    """
    unknown = [name for name in losses if name not in tasks]
    if unknown or (not losses and not may_be_empty):
        raise ConfigError(f"losses must be given for some of the tasks {list(tasks)}, found {unknown or 'none'}")


def check_tokens(losses: Mapping[str, Loss], tokens: Mapping[str, float]) -> None:
    """Refuse counts that would drop a task in silence.

    Raises:
        ConfigError: Naming the first task without a count, or with a negative one.
    """
    for name in losses:
        count = tokens.get(name)
        if count is None or not 0 <= count < float("inf"):
            raise ConfigError(
                f"tokens must be given for every task of the losses, 0 or more, found {count} for {name!r}; count "
                "them, or leave tokens out where every process holds an equal share"
            )
