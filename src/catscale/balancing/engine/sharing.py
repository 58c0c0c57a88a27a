"""The tasks of a step over all processes, and this process's part of them.

Legend: N tasks, K ≤ N tasks in the step.
"""

from collections.abc import Mapping, Sequence

import torch

from catscale.balancing.engine.losses import (
    LossPart,
    TaskLoss,
    Work,
    check_names,
    check_repeated,
    check_tokens,
    list_parts,
)
from catscale.balancing.engine.ranks import Ranks


def share_out(
    losses: Mapping[str, TaskLoss],
    tokens: Mapping[str, float] | None,
    tasks: Sequence[str],
    ranks: Ranks,
    across_ranks: str,
) -> Work:
    """Return the K tasks of the step over all processes, and this one's part of them.

    Args:
        losses: As `TaskBalancer.backward` takes them.
        tokens: Target tokens of each task on this process; None for equal shares.
        tasks: Names of all N.
        ranks: The processes.
        across_ranks: "mean" or "sum" of the processes' losses.

    Raises:
        ConfigError: If a task is unknown or none is given, a loss is given twice, or tokens do not fit.
    """
    parts = _list_given(losses, tokens, tasks, may_be_empty=ranks.size > 1)
    ids = {task: index for index, task in enumerate(tasks)}
    if ranks.size == 1:
        return _take_all(parts, ids)
    amounts, counts = torch.zeros(2, len(tasks), dtype=torch.float64)
    for name, found in parts.items():
        counts[ids[name]] = len(found)
        by_parts = len(found) if across_ranks == "sum" else 1
        amounts[ids[name]] = by_parts if tokens is None else float(tokens[name])
    totals, most = ranks.sum(amounts), ranks.maximum(counts)
    task_ids = totals.nonzero()[:, 0]
    names = [tasks[index] for index in task_ids.tolist()]
    check_names(dict.fromkeys(names, ()), tasks, may_be_empty=False)
    portions = (amounts / totals)[task_ids]
    shares = torch.ones_like(portions) if across_ranks == "sum" else portions
    mine = [parts.get(name, []) for name in names]
    work = Work(
        names=names,
        task_ids=task_ids,
        parts=mine,
        shares=shares.tolist(),
        portions=portions.tolist(),
        counts=[len(found) for found in mine],
    )
    return work.padded(most[task_ids].long().tolist()) if ranks.is_sharded else work


def _take_all(parts: Mapping[str, list[LossPart]], ids: Mapping[str, int]) -> Work:
    """Return the whole of every task that this process, the only one, has data for."""
    ones = [1.0] * len(parts)
    return Work(
        names=list(parts),
        task_ids=torch.tensor([ids[name] for name in parts]),
        parts=list(parts.values()),
        shares=ones,
        portions=ones,
        counts=[len(found) for found in parts.values()],
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
