"""The tasks of a step over all processes, and this process's part of them.

Legend: N tasks, K ≤ N tasks in the step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from catscale.balancing.engine.losses import (
    LossPart,
    MixedLoss,
    TaskLoss,
    Work,
    check_names,
    check_repeated,
    check_tokens,
    list_parts,
)
from catscale.balancing.engine.ranks import Ranks
from catscale.errors import ConfigError


@dataclass(frozen=True)
class StepPlan:
    """The step as every process knows it without asking the others.

    Attributes:
        amounts: Target tokens of each of the K tasks over all processes.
        parts: The most parts of each task's loss that one process has; read where the model is sharded.
        passes: The most functions of mixed batches that one process has, 0 for none; read there, and where products
            are measured.
    """

    amounts: Mapping[str, float]
    parts: Mapping[str, int]
    passes: int = 0


def share_out(
    losses: Mapping[str, TaskLoss],
    tokens: Mapping[str, float] | None,
    tasks: Sequence[str],
    ranks: Ranks,
    across_ranks: str,
    mixed: Sequence[MixedLoss] = (),
    plan: StepPlan | None = None,
) -> Work:
    """Return the K tasks of the step over all processes, and this one's part of them.

    Args:
        losses: As `TaskBalancer.backward` takes them.
        tokens: Target tokens of each task on this process; None for equal shares.
        tasks: Names of all N.
        ranks: The processes.
        across_ranks: "mean" or "sum" of the processes' losses.
        mixed: Functions of mixed batches.
        plan: The step over all processes; None to ask them.

    Raises:
        ConfigError: If a task is unknown or none is given, a loss is given twice, or tokens or the plan do not fit.
    """
    parts = _list_given(losses, tokens, tasks, may_be_empty=ranks.size > 1)
    if ranks.size == 1:
        return _take_all(parts, tasks, mixed)
    counts = torch.tensor([*(len(parts.get(task, ())) for task in tasks), len(mixed)], dtype=torch.float64)
    amounts = counts[:-1] if across_ranks == "sum" else counts[:-1].sign()
    if tokens is not None:
        amounts = amounts.new_tensor([float(tokens[task]) if task in parts else 0.0 for task in tasks])
    if plan is None:
        totals, most, passes = _ask(ranks, amounts, counts)
    else:
        totals, most = _read_plan(plan, tasks, parts if ranks.is_sharded else dict.fromkeys(parts, ()))
        passes = float(plan.passes)
    task_ids = totals.nonzero()[:, 0]
    names = [tasks[index] for index in task_ids.tolist()]
    check_names(dict.fromkeys(names, ()), tasks, may_be_empty=False)
    portions = (amounts / totals)[task_ids].tolist()
    work = Work(
        names=names,
        task_ids=task_ids,
        parts=[parts.get(name, []) for name in names],
        shares=[1.0] * len(names) if across_ranks == "sum" else portions,
        portions=portions,
        counts=[len(parts.get(name, [])) for name in names],
        mixed=tuple(mixed),
        is_mixed=passes > 0,
    )
    return work.padded(most[task_ids].long().tolist(), int(most[-1])) if ranks.is_sharded else work


def _ask(ranks: Ranks, amounts: Tensor, counts: Tensor) -> tuple[Tensor, Tensor, float]:
    """Return the (N,) amounts of all processes, the (N + 1,) most parts, and passes, that one has, and all passes.

    The second is this process's own where the model is not sharded, which does not compute in step.
    """
    *each, passes = ranks.sum(torch.cat([amounts, counts[-1:]])).unbind()
    return torch.stack(each), ranks.maximum(counts) if ranks.is_sharded else counts, passes.item()


def _read_plan(plan: StepPlan, tasks: Sequence[str], parts: Mapping[str, Sequence[LossPart]]) -> tuple[Tensor, Tensor]:
    """Return the (N,) amounts of all processes, and the (N + 1,) most parts, and passes, that one has.

    Raises:
        ConfigError: If the plan lacks what this process has.
    """
    lacking = [
        task for task, found in parts.items() if not plan.amounts.get(task) or plan.parts.get(task, 0) < len(found)
    ]
    if lacking or not set(plan.amounts) <= set(tasks):
        raise ConfigError(
            f"plan must hold the step of all processes, found the tasks {list(plan.amounts)} of {list(tasks)}"
            f"{f', and less of {lacking[0]!r} than this process has' if lacking else ''}; count what all of them hold"
        )
    totals = torch.tensor([plan.amounts.get(task, 0.0) for task in tasks], dtype=torch.float64)
    return totals, torch.tensor([*(plan.parts.get(task, 0) for task in tasks), plan.passes])


def _take_all(parts: Mapping[str, list[LossPart]], tasks: Sequence[str], mixed: Sequence[MixedLoss]) -> Work:
    """Return the whole of every task that this process, the only one, has data for."""
    ids = {task: index for index, task in enumerate(tasks)}
    ones = [1.0] * len(parts)
    return Work(
        names=list(parts),
        task_ids=torch.tensor([ids[name] for name in parts]),
        parts=list(parts.values()),
        shares=ones,
        portions=ones,
        counts=[len(found) for found in parts.values()],
        mixed=tuple(mixed),
        is_mixed=bool(mixed),
    )


def _list_given(
    losses: Mapping[str, TaskLoss], tokens: Mapping[str, float] | None, tasks: Sequence[str], may_be_empty: bool
) -> dict[str, list[LossPart]]:
    """Return the parts of every task that this process has data for."""
    check_names(losses, tasks, may_be_empty)
    if tokens is not None:
        numbers = check_tokens(losses, tokens, tasks)
        losses = {name: loss for name, loss in losses.items() if numbers[name] > 0}
    parts = {name: list_parts(loss) for name, loss in losses.items()}
    parts = {name: found for name, found in parts.items() if found}
    check_repeated(parts)
    check_names(parts, tasks, may_be_empty)
    return parts
