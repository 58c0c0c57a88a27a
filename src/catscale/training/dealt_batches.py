"""The sub-batches of a step that one process computes."""

from collections.abc import Mapping

from catscale.data.batching import Batch
from catscale.distributed.dealing import deal
from catscale.distributed.processes import Processes


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


def count_parts(batches: Mapping[str, list[Batch]], size: int, are_halved: bool) -> dict[str, int]:
    """Return the most parts of each task that one process computes.

    Args:
        batches: The sub-batches of a step, by task.
        size: The number of processes.
        are_halved: Whether a process cuts a task's only part of several sentences in two.
    """
    numbered = [(task, batch) for task, found in batches.items() for batch in found]
    most = dict.fromkeys(batches, 0)
    for mine in deal([batch.shape for _, batch in numbered], size):
        rows: dict[str, list[int]] = {}
        for part in mine:
            rows.setdefault(numbered[part.number][0], []).append(part.end - part.start)
        for task, found in rows.items():
            is_cut = are_halved and len(found) == 1 and found[0] > 1
            most[task] = max(most[task], 2 if is_cut else len(found))
    return most
