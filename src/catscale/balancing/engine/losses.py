"""The losses that a training loop hands to the engine: each task's loss, in one piece or in parts, as a tensor or a
function."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import torch
from torch import Tensor, nn

from catscale.errors import ConfigError, DivergedError
from catscale.system.misuse import describe
from catscale.system.named import suggest

LossPart = Tensor | Callable[[], Tensor]
"""A scalar loss with its graph, or a function that computes one (so that one graph at a time is alive)."""
TaskLoss = LossPart | Sequence[LossPart]
"""One loss of a task, or the parts that add up to it (gradient accumulation)."""

MixedLoss = Callable[[], Mapping[str, Tensor]]
"""A function that computes the losses of several tasks from one forward of a mixed batch: task → scalar."""

IN_STEP = "a sharded model computes in step on all processes"


@dataclass(frozen=True, kw_only=True)
class Work:
    """The K tasks of a step, and what this process computes of them.

    Attributes:
        names: Names of the K tasks, the same on every process.
        task_ids: (K,) int64.
        parts: Parts of each task's loss; none for a task that only other processes hold.
        shares: The factors on the K losses of this process before they are summed over the processes.
        portions: The part of each task's data that this process holds.
        counts: Parts of each task without those that `padded` adds.
        mixed: Functions that together compute the same losses, of several tasks each; none where there are none.
        is_mixed: Whether some process has such functions.
    """

    names: list[str]
    task_ids: Tensor
    parts: list[list[LossPart]]
    shares: list[float]
    portions: list[float]
    counts: list[int]
    mixed: tuple[MixedLoss, ...] = ()
    is_mixed: bool = False

    @property
    def are_all_functions(self) -> bool:
        """Whether no part is a tensor, whose graph was built before."""
        return not any(isinstance(part, Tensor) for parts in self.parts for part in parts)

    def apart(self) -> "Work":
        """Return a copy whose tasks are computed one by one."""
        return replace(self, mixed=(), is_mixed=False)

    def count_passes(self) -> int:
        """Return the backward passes of the parts: one for each function, and one for all tensors together."""
        found = [isinstance(part, Tensor) for parts in self.parts for part in parts]
        return found.count(False) + any(found)

    def padded(self, lengths: Sequence[int], passes: int) -> "Work":
        """Return a copy padded to what the process has that has most, as sharded models compute in step.

        What is added is a loss of this process once more, times zero.

        Args:
            lengths: Parts of each task.
            passes: Functions of mixed batches.

        Raises:
            ConfigError: If this process has no loss to repeat, or losses are not functions.
        """
        mixed, parts = self.mixed, self.parts
        if missing := passes - len(mixed):
            if not mixed:
                raise ConfigError(f"{IN_STEP}, so batch is given on all of them or on none, found none here; give it")
            first = mixed[0]
            mixed += (lambda: {task: _nothing(loss) for task, loss in first().items()},) * missing
        short = [length - len(found) for length, found in zip(lengths, parts, strict=True)]
        if any(short):
            own = next((part for found in parts for part in found), None)
            if own is None or isinstance(own, Tensor):
                raise ConfigError(
                    f"{IN_STEP}, so each of them needs at least one task, with its loss as a function, found "
                    f"{'a tensor' if own is not None else 'none'}; give functions"
                )
            spare: Callable[[], Tensor] = own
            parts = [[*found, *[lambda: _nothing(spare())] * count] for found, count in zip(parts, short, strict=True)]
        return replace(self, parts=parts, mixed=mixed)


def list_mixed(batch: MixedLoss | Sequence[MixedLoss] | None) -> list[MixedLoss]:
    """Return the functions of mixed batches.

    Raises:
        ConfigError: If one is no function.
    """
    mixed = [] if batch is None else list(batch) if isinstance(batch, Sequence) else [batch]
    if wrong := [part for part in mixed if not callable(part)]:
        raise ConfigError(
            f"batch must be a function that returns the losses by task, or several, found {describe(wrong[0])}; "
            "write lambda: {task: loss, …}"
        )
    return mixed


def _nothing(loss: Tensor) -> Tensor:
    """Return a loss that counts nothing, whatever its value."""
    return torch.nan_to_num(loss, 0.0, 0.0, 0.0) * 0


def list_parts(loss: TaskLoss) -> list[LossPart]:
    """Return the parts of one task's loss; anything that is no loss is left to `evaluate`, which names the task."""
    return list(loss) if isinstance(loss, Sequence) else [loss]


def evaluate(name: str, part: LossPart) -> Tensor:
    """Return the loss, with its graph.

    Raises:
        ConfigError: If it is no scalar that depends on a parameter.
    """
    loss: object = part if isinstance(part, Tensor | nn.Module) or not callable(part) else _call(name, part)
    if not isinstance(loss, Tensor) or loss.numel() != 1 or not loss.requires_grad or loss.is_complex():
        raise ConfigError(
            f"the loss of task {name!r} must be a scalar tensor that depends on the parameters, found "
            f"{_kind(loss)}; {_advice(loss)}"
        )
    return loss.reshape(())


def _call(name: str, part: Callable[[], Tensor]) -> object:
    """Call a function and return its result.

    Raises:
        ConfigError: If it wants arguments.
    """
    try:
        return part()
    except TypeError as error:
        try:
            inspect.signature(part).bind()
        except TypeError:
            raise ConfigError(
                f"the loss of task {name!r} must be a function without arguments, found one that wants some "
                f"({error}); write lambda batch=batch: model(**batch).loss"
            ) from error
        except ValueError:
            pass  # written in C: nothing is known of it
        raise


def _kind(loss: object) -> str:
    if not isinstance(loss, Tensor):
        return type(loss).__name__
    graph = "" if loss.requires_grad else " without a graph"
    return f"shape {tuple(loss.shape)}{graph}{f' of {loss.dtype}' if loss.is_complex() else ''}"


def _advice(loss: Any) -> str:
    """Return advice on what to write in place of something that is no loss."""
    if loss is None:
        return "end the function with return loss, and leave backward to the balancer"
    if isinstance(loss, Mapping) and isinstance(loss.get("loss"), Tensor):
        return 'return its "loss"'
    if isinstance(loss, nn.Module):
        return "a model is no loss: write lambda: model(**batch).loss"
    if not isinstance(loss, Tensor) and isinstance(getattr(loss, "loss", None), Tensor):
        return "return its .loss"
    if isinstance(loss, Tensor) and loss.numel() != 1:
        return "take its mean, or its sum over the tokens of the step"
    if isinstance(loss, Tensor) and loss.is_complex():
        return "take its real part or its absolute value"
    if isinstance(loss, Tensor):
        return "compute it with gradients on, without detach, and leave out tasks without data"
    return "return the loss itself, not its value, and leave out tasks without data"


def sum_lists(values: Sequence[Sequence[Tensor]]) -> Tensor:
    """Return the (K,) float64 sums of K lists of scalars, where these are; on the CPU where there are none."""
    sums = [torch.stack([v.detach().double() for v in found]).sum() if found else None for found in values]
    like = next((s for s in sums if s is not None), torch.zeros((), dtype=torch.float64))
    return torch.stack([torch.zeros_like(like) if s is None else s.to(like.device) for s in sums])


def check_covered(work: Work, losses: Sequence[Sequence[Tensor]]) -> None:
    """Refuse mixed batches that hold a task's loss nowhere.

    Raises:
        ConfigError: Naming the first such task.
    """
    for name, count, found in zip(work.names, work.counts, losses, strict=True):
        if count and not found:
            raise ConfigError(
                f"batch must return the loss of every task that losses has, found none of task {name!r}; add it, or "
                "leave the task out of both"
            )


def make_unfinite_error(names: Sequence[str]) -> DivergedError:
    """Return the error of a combined gradient of these tasks that is not finite, whichever of them spoilt it."""
    return DivergedError(
        f"the combined gradient of the tasks {', '.join(names)} must be finite, found that it is not; lower the "
        "learning rate",
        "gradient",
    )


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


def check_names(losses: Mapping[str, TaskLoss], tasks: Sequence[str], may_be_empty: bool) -> None:
    """Refuse what is no mapping of tasks, tasks that the balancer does not know, and a step of none.

    Raises:
        ConfigError: Naming them.
    """
    if not isinstance(losses, Mapping):
        raise ConfigError(
            f"losses must be given by task, found {describe(losses)}; write {{task: loss}}, for some of the tasks "
            f"{list(tasks)}"
        )
    unknown = [name for name in losses if name not in tasks]
    if unknown or (not losses and not may_be_empty):
        hint = f"; {suggest(unknown[0], tasks)}" if unknown else ""
        raise ConfigError(
            f"losses must be given for some of the tasks {list(tasks)}, found {unknown or 'none'}{hint}; use the names "
            "that the balancer was built with"
        )


def check_repeated(parts: Mapping[str, Sequence[LossPart]]) -> None:
    """Refuse one loss tensor in two places: its gradient would count for both tasks, or twice.

    Raises:
        ConfigError: Naming the tasks.
    """
    owners: dict[int, str] = {}
    for name, found in parts.items():
        for part in found:
            if not isinstance(part, Tensor):
                continue
            if id(part) in owners:
                raise ConfigError(
                    f"each loss must be given once, found the same tensor for the tasks {owners[id(part)]!r} and "
                    f"{name!r}; give each task the loss of its own data"
                )
            owners[id(part)] = name


def check_tokens(losses: Mapping[str, TaskLoss], tokens: Mapping[str, float], tasks: Sequence[str]) -> dict[str, float]:
    """Return the counts as numbers; refuse those that would drop a task in silence.

    Raises:
        ConfigError: Naming the first task without a count, or with one that is no number of 0 or more.
    """
    what = "tokens must be given for every task of the losses, as a number of 0 or more"
    if not isinstance(tokens, Mapping):
        raise ConfigError(f"{what}, found {describe(tokens)}; write {{task: count}}")
    unknown = [name for name in tokens if name not in tasks]
    if unknown:
        raise ConfigError(f"{what}, found some for {unknown[0]!r}, which is no task; {suggest(unknown[0], tasks)}")
    found = {}
    for name in losses:
        given: object = tokens.get(name)
        count = given.item() if isinstance(given, Tensor) and given.numel() == 1 else given
        if not isinstance(count, Real) or isinstance(count, bool) or not 0 <= float(count) < math.inf:
            raise ConfigError(
                f"{what}, found {given!r} for {name!r}; count them, or leave tokens out where every process holds an "
                "equal share"
            )
        found[name] = float(count)
    return found
