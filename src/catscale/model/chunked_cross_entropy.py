"""The output layer and the cross-entropy of its logits in one, chunk by chunk of tokens: no tensor holds all logits.

The forward pass keeps nothing but its arguments; the backward pass computes each chunk's logits again, and takes any
factor per token: one product of matrices more than with all logits kept, (2 + 6) / 6 of the output layer's arithmetic.

Legend: M predicted tokens, W width, V vocabulary, m tokens of a chunk; tables E_i (V_i, W), V = Σ V_i, whose products
with the states are the logits, one table's beside the other's.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from catscale.model.cross_entropy import find_losses, overwrite_by_gradient
from catscale.model.split_table import score_states

SCORES_AT_ONCE = 2**26
"""Scores of a chunk on a processor, 256 MiB in float32; a batch of no more is not cut."""
DEVICE_SCORES = 2**28
"""Scores of a chunk on other devices, 1 GiB while it is computed: fewer operations to start."""


class ChunkedCrossEntropy(torch.autograd.Function):
    """The losses of tokens whose states are there; one backward alone, and no second derivative."""

    runs_no_backward = True

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, labels: Tensor, smoothing: float, dtype: torch.dtype, *tables: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compute (M, W) states, (M,) labels → (M,) smoothed losses, (M,) NLL."""
        ctx.save_for_backward(states, labels, *tables)
        ctx.smoothing, ctx.type, ctx.rows, ctx.is_factored = smoothing, dtype, len(labels), False
        smoothed, nll = torch.empty(2, len(labels), dtype=torch.float32, device=states.device)
        with torch.autocast(states.device.type, enabled=False):
            cast, rows = [table.to(dtype) for table in tables], states.to(dtype)
            for part in _chunks(labels, cast):
                smoothed[part], nll[part] = find_losses(_score(rows[part], cast), labels[part], smoothing)
        ctx.mark_non_differentiable(nll)
        return smoothed, nll

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of states and tables; of those that are held fixed, none."""
        states, labels, *tables = ctx.saved_tensors
        asked, of_states = [needed and not ctx.is_factored for needed in ctx.needs_input_grad[4:]], None
        if ctx.needs_input_grad[0]:
            of_states = torch.zeros_like(states)
        of_tables = [torch.zeros_like(t) if needed else None for t, needed in zip(tables, asked, strict=True)]
        with torch.autocast(states.device.type, enabled=False):
            cast, rows = [table.to(ctx.type) for table in tables], states.to(ctx.type)
            for part, each in _chunk_gradients(ctx, rows, labels, cast, gradients[0]):
                for own, table, total in zip(each, cast, of_tables, strict=True):
                    if of_states is not None:
                        of_states[part] += own @ table
                    if total is not None:
                        total += own.T @ rows[part]
        return of_states, None, None, None, *of_tables

    @staticmethod
    def factor_rows(
        ctx: Any, saved: Sequence[Tensor], factors: Tensor
    ) -> Iterator[tuple[slice, list[tuple[Tensor, Tensor] | None]]]:
        """Compute what the tables' gradients are made of, token by token, from the logits once more.

        For balancing methods that compare gradients (`catscale.balancing.engine.graph_uses`).

        Args:
            ctx: The context of the forward pass.
            saved: Its tensors: states, labels and tables.
            factors: (M,) gradient of the smoothed losses.

        Yields:
            The m tokens of a chunk, and for each of these tensors (m, V_i) and (m, W), whose rows' outer products are
            the tokens' parts of its gradient; None for states and labels.
        """
        states, labels, *tables = saved
        cast, rows = [table.to(ctx.type) for table in tables], states.to(ctx.type)
        for part, each in _chunk_gradients(ctx, rows, labels, cast, factors):
            yield part, [None, None, *[(own, rows[part]) for own in each]]


def _chunk_gradients(
    ctx: Any, states: Tensor, labels: Tensor, tables: Sequence[Tensor], factors: Tensor
) -> Iterator[tuple[slice, Sequence[Tensor]]]:
    """Yield the tokens of one chunk after the other, and the gradients of their logits, (m, V_i) of each table."""
    sizes = [len(table) for table in tables]
    for part in _chunks(labels, tables):
        scores = _score(states[part], tables)
        found = overwrite_by_gradient(scores, labels[part], ctx.smoothing, factors[part]).to(ctx.type)
        yield part, torch.split(found, sizes, 1)


def _chunks(labels: Tensor, tables: Sequence[Tensor]) -> Iterator[slice]:
    """Yield the tokens of one chunk after the other."""
    most = SCORES_AT_ONCE if labels.device.type == "cpu" else DEVICE_SCORES
    size = max(1, most // sum(map(len, tables)))
    for start in range(0, len(labels), size):
        yield slice(start, start + size)


def _score(states: Tensor, tables: Sequence[Tensor]) -> Tensor:
    """Return the (m, V) log p of (m, W) states of the tables' type, float32."""
    return score_states(states, tables).log_softmax(1, dtype=torch.float32)


_apply: Callable[..., tuple[Tensor, Tensor]] = ChunkedCrossEntropy.apply


def chunked_cross_entropy(
    states: Tensor, labels: Tensor, smoothing: float, tables: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """Compute the losses of tokens from their states, in the type of the caller's autocast.

    Args:
        states: (M, W).
        labels: (M,) int64.
        smoothing: ε.
        tables: The output layer's matrices, (V_i, W) each, at least one.

    Returns:
        The (M,) smoothed losses with their graph and the (M,) NLL without, float32.
    """
    kind = states.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else states.dtype
    return _apply(states, labels, smoothing, dtype, *tables)
