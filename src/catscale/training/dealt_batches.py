"""The sub-batches of a step that one process computes."""

from collections.abc import Callable, Mapping, Sequence

from catscale.data.batching import Batch
from catscale.distributed.dealing import deal
from catscale.distributed.processes import Processes

Shape = tuple[int, int, int]
"""B sentences, S source and T target positions of a sub-batch."""


def share(batches: Mapping[str, list[Batch]], processes: Processes) -> dict[str, list[Batch]]:
    """Return what one process computes of a step's sub-batches, some of them cut.

    Args:
        batches: All of them, by task.
        processes: Says which process, and of how many.
    """
    if processes.size == 1:
        return dict(batches)
    numbered = [(task, batch) for task, found in batches.items() for batch in found]
    mine: dict[str, list[Batch]] = {}
    for part in deal([batch.shape for _, batch in numbered], processes.size)[processes.rank]:
        task, batch = numbered[part.number]
        mine.setdefault(task, []).append(batch.rows(part.start, part.end))
    return mine


def dealt_shapes(batches: Mapping[str, list[Batch]], size: int) -> list[dict[str, list[Shape]]]:
    """Return the shapes of what `share` gives each process, by task, which all processes know.

    Args:
        batches: The sub-batches of a step, by task.
        size: The number of processes.
    """
    numbered = [(task, batch.shape) for task, found in batches.items() for batch in found]
    each: list[dict[str, list[Shape]]] = []
    for mine in deal([shape for _, shape in numbered], size):
        shapes: dict[str, list[Shape]] = {}
        for part in mine:
            task, (_, source, target) = numbered[part.number]
            shapes.setdefault(task, []).append((part.end - part.start, source, target))
        each.append(shapes)
    return each


def count_parts(
    batches: Mapping[str, list[Batch]],
    size: int,
    are_halved: bool,
    join: Callable[[Sequence[Shape]], list[list[int]]] | None = None,
) -> dict[str, int]:
    """Return the most parts of each task that one process computes.

    Args:
        batches: The sub-batches of a step, by task.
        size: The number of processes.
        are_halved: Whether a process cuts a task's only part of several sentences in two.
        join: Says which parts of a task a process computes together; None where it computes them one by one.
    """
    most = dict.fromkeys(batches, 0)
    for mine in dealt_shapes(batches, size):
        for task, found in mine.items():
            is_cut = are_halved and len(found) == 1 and found[0][0] > 1
            most[task] = max(most[task], 2 if is_cut else len(found if join is None else join(found)))
    return most
