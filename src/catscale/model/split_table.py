"""A table of embeddings whose old rows stay as they are while its new ones, the last, are trained.

The old rows are not part of any gradient, of an optimiser's state or of weight decay, so that they keep every bit. The
table of M2M-100 is read by encoder and decoder and predicts the next token: all of these share the two parts.

Legend: V old rows, U new ones, W width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.nn.functional import embedding, linear


class SplitEmbedding(Module):
    """Rows for ids, scaled.

    Args:
        old: (V, W), for ids below V; its gradient is not asked for.
        new: (U, W), for those from V on.
        scale: Every row is multiplied with it.
        padding: The id whose row gets no gradient.
    """

    def __init__(self, old: Parameter, new: Parameter, scale: float, padding: int | None) -> None:
        super().__init__()
        self.old, self.new, self.embed_scale, self.padding_idx = old, new, scale, padding

    @property
    def num_embeddings(self) -> int:
        """Number of rows."""
        return len(self.old) + len(self.new)

    @property
    def weight(self) -> Tensor:
        """The (V + U, W) whole table, a copy."""
        return torch.cat([self.old, self.new])

    def forward(self, input_ids: Tensor) -> Tensor:
        """Return the (…, W) rows of (…) ids."""
        first = len(self.old)
        is_new = input_ids >= first
        old = embedding(input_ids.clamp(max=first - 1), self.old, self.padding_idx)
        new = embedding((input_ids - first).clamp(min=0), self.new)
        return torch.where(is_new[..., None], new, old) * self.embed_scale


class SplitHead(Module):
    """Logits of all ids.

    Args:
        old: (V, W).
        new: (U, W).
    """

    def __init__(self, old: Parameter, new: Parameter) -> None:
        super().__init__()
        self.old, self.new = old, new

    @property
    def weight(self) -> Tensor:
        """The (V + U, W) whole table, a copy."""
        return torch.cat([self.old, self.new])

    def forward(self, states: Tensor) -> Tensor:
        """Return the (…, V + U) logits of (…, W) hidden states."""
        return score_states(states, (self.old, self.new))


def score_states(states: Tensor, tables: Sequence[Tensor]) -> Tensor:
    """Return the (…, V) logits of (…, W) states by (V_i, W) tables, V = Σ V_i."""
    each = [linear(states, table) for table in tables]
    return torch.cat(each, -1) if len(each) > 1 else each[0]


def split_table(network: Module, new_rows: int) -> None:
    """Put split tables in the places of a network's one table.

    Args:
        network: An `M2M100ForConditionalGeneration` with tied tables.
        new_rows: U, the number of its last rows that are trained.

    Raises:
        ValueError: If there are not more rows than these.
    """
    model = network.get_submodule("model")
    shared = model.get_submodule("shared")
    table = shared.get_parameter("weight")
    if not 0 < new_rows < len(table):
        raise ValueError(f"new rows must be from 1 to {len(table) - 1:,}, found {new_rows:,}")
    with torch.no_grad():
        old = Parameter(table[:-new_rows].clone(), requires_grad=False)
        new = Parameter(table[-new_rows:].clone())
    scale, padding = float(getattr(shared, "embed_scale", 1.0)), getattr(shared, "padding_idx", None)
    for owner, name in ((model, "shared"), (model.encoder, "embed_tokens"), (model.decoder, "embed_tokens")):
        setattr(owner, name, SplitEmbedding(old, new, scale, padding))
    network.lm_head = SplitHead(old, new)
