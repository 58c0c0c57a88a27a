"""The tables of embeddings of a model whose vocabulary was extended or trimmed.

Legend: V old rows, U new ones, W width.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from catscale.errors import CheckpointError
from catscale.vocabulary.extension import RowOrigins

TABLES = (
    "model.shared.weight",
    "model.encoder.embed_tokens.weight",
    "model.decoder.embed_tokens.weight",
    "lm_head.weight",
)
"""The names of the one table that M2M-100 reads, writes and predicts with."""
BIAS = "final_logits_bias"
NOISE = 0.05
"""The standard deviation of the noise on a row, as a part of that of the old table's numbers."""


def make_rows(table: Tensor, rows: RowOrigins, seed: int) -> Tensor:
    """Return the (U, W) table whose rows are means of old ones, with noise where the origins say so.

        new_u = 1/|B_u| Σ_{b ∈ B_u} old_b + ε_u,    ε_u ~ N(0, (NOISE · std(old))²) for the noisy rows, 0 for others

    An old row that stays is copied bit for bit. Means are taken in float32.

    Args:
        table: (V, W), of any type of floating-point numbers.
        rows: B_u for each of the U ids; an empty one is all rows.
        seed: Seeds the noise.

    Raises:
        CheckpointError: If the origins name a row that the table does not have.
    """
    largest = max((base for bases in rows.bases for base in bases), default=0)
    if largest >= len(table):
        raise CheckpointError(
            f"the model must have a row for each id of its tokenizer, found {len(table):,} rows and the id "
            f"{largest:,}; give the tokenizer and the model of the same folder"
        )
    first = torch.tensor([bases[0] if bases else 0 for bases in rows.bases])
    made = table[first.to(table.device)]
    means: dict[tuple[int, ...], Tensor] = {}
    for number, bases in enumerate(rows.bases):
        if len(bases) != 1:
            means[bases] = means[bases] if bases in means else _mean(table, bases)
            made[number] = means[bases].to(table.dtype)
    noisy = sorted(rows.noisy)
    if noisy:
        generator = torch.Generator().manual_seed(seed)
        scale = NOISE * float(table.float().std())
        noise = torch.randn(len(noisy), table.shape[1], generator=generator).to(table.device) * scale
        made[noisy] = (made[noisy].float() + noise).to(table.dtype)
    return made


def extend_state(state: Mapping[str, Tensor], rows: RowOrigins, seed: int) -> dict[str, Tensor]:
    """Return a model's tensors with the tables of embeddings made anew, one tensor under each of their names.

    Args:
        state: Name → tensor, with one or more of the names of the tied table.
        rows: The origins of its rows.
        seed: Seeds the noise.

    Raises:
        CheckpointError: If there is no table, or it has not the rows.
    """
    named = [name for name in TABLES if name in state]
    if not named:
        raise CheckpointError(f"the model must have the table {TABLES[0]}, found none; give an M2M-100 or NLLB model")
    table = make_rows(state[named[0]], rows, seed)
    found = {name: table if name in named else tensor for name, tensor in state.items()}
    if BIAS in state:
        found[BIAS] = make_rows(state[BIAS].T, RowOrigins(rows.bases), seed).T.contiguous()
    return found


def _mean(table: Tensor, bases: tuple[int, ...]) -> Tensor:
    """Return the (W,) float32 mean of rows, of all where none are named."""
    return table.float().mean(0) if not bases else table[list(bases)].float().mean(0)
