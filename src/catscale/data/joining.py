"""Sub-batches of several tasks in few rectangles, for passes that hold more than one task.

Legend: B sentences, S source positions, T target positions, M predicted tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad as fill

from catscale.data.batching import IGNORED, Batch
from catscale.data.carrying import carry


@dataclass(frozen=True)
class JoinedBatch:
    """Sub-batches of several tasks.

    Attributes:
        batch: All of their sentences. Its direction is that of the first sub-batch, and says nothing.
        owners: (M,) int64, the number of the task that each predicted token belongs to.
    """

    batch: Batch
    owners: Tensor

    def to(self, device: torch.device) -> "JoinedBatch":
        """Return it on another device."""
        moved: dict[str, Any] = carry({**self.batch.tensors, "owners": self.owners}, device)
        owners = moved.pop("owners")
        return JoinedBatch(replace(self.batch, **moved), owners)


def plan_joins(shapes: Sequence[tuple[int, int, int]], launch: float, limit: int) -> list[list[int]]:
    """Choose the sub-batches that share a pass, so that padding and the start of passes together cost least.

    Sub-batches are ordered by target and source length; the ones that share a pass are neighbours in this order.

    Args:
        shapes: B, S and T of each sub-batch.
        launch: The positions, of both sides, that are computed in the time that the start of a pass takes.
        limit: Target positions of a pass of several sub-batches.

    Returns:
        Numbers of the sub-batches of each pass; together they hold each once.

    Example:
        >>> plan_joins([(4, 9, 9), (4, 2, 2), (4, 3, 3)], launch=10, limit=1000)
        [[1, 2], [0]]
        >>> plan_joins([(4, 9, 9), (4, 2, 2), (4, 3, 3)], launch=100, limit=1000)
        [[1, 2, 0]]
    """
    order = sorted(range(len(shapes)), key=lambda number: (shapes[number][2], shapes[number][1]))
    costs, starts = [0.0], [0]
    for end in range(1, len(order) + 1):
        best, best_start, rows, source = float("inf"), end - 1, 0, 0
        target = shapes[order[end - 1]][2]
        for start in range(end - 1, -1, -1):
            size, width, _ = shapes[order[start]]
            rows, source = rows + size, max(source, width)
            if start < end - 1 and rows * target > limit:
                break
            cost = costs[start] + launch + rows * (source + target)
            if cost < best:
                best, best_start = cost, start
        costs.append(best)
        starts.append(best_start)
    passes, end = [], len(order)
    while end:
        passes.append(order[starts[end] : end])
        end = starts[end]
    return passes[::-1]


def join_batches(parts: Sequence[Batch], owners: Sequence[int], pad: int) -> JoinedBatch:
    """Put sub-batches into one rectangle.

    Args:
        parts: Sub-batches, at least one.
        owners: The number of the task of each.
        pad: The token that fills up sources and targets.
    """
    source = max(part.input_ids.shape[1] for part in parts)
    target = max(part.labels.shape[1] for part in parts)
    inputs = torch.cat([_widen(part.input_ids, source, pad) for part in parts])
    outputs = torch.cat([_widen(part.decoder_input_ids, target, pad) for part in parts])
    labels = torch.cat([_widen(part.labels, target, IGNORED) for part in parts])
    is_padded = any(part.attention_mask is not None or part.input_ids.shape[1] < source for part in parts)
    mask = torch.cat([_widen(_mask_of(part), source, 0) for part in parts]) if is_padded else None
    predicted = (labels.flatten() != IGNORED).nonzero().flatten()
    whose = torch.repeat_interleave(torch.tensor(owners), torch.tensor([part.tokens for part in parts]))
    return JoinedBatch(Batch(inputs, mask, outputs, labels, predicted, parts[0].direction), whose)


def _widen(rows: Tensor, width: int, filler: int) -> Tensor:
    """Return (B, width) rows, filled up on the right."""
    return fill(rows, (0, width - rows.shape[1]), value=filler)


def _mask_of(part: Batch) -> Tensor:
    """Return the (B, S) mask of a sub-batch, of ones where nothing is padded."""
    return torch.ones_like(part.input_ids) if part.attention_mask is None else part.attention_mask
