"""A linear layer of which each direction uses a part: its matrix times the direction's mask.

Legend: N directions, D numbers of the matrix.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Linear, Module
from torch.nn import functional as F

from catscale.model.masks import pack, size_in_bytes, unpack


@dataclass
class MaskChoice:
    """The direction whose masks one side of a network uses.

    Attributes:
        row: The place of the direction; None where none is set.
    """

    row: int | None = None


class MaskedLinear(Module):
    """A linear layer with a mask for each direction, which at first keep everything.

    Parameters are those of the plain layer, under their names. The gradient of what a mask leaves out is zero.

    Args:
        plain: The layer, whose parameters are taken over.
        directions: N.
        choice: Says whose mask is used.
    """

    def __init__(self, plain: Linear, directions: int, choice: MaskChoice) -> None:
        super().__init__()
        self.weight, self.bias, self.choice = plain.weight, plain.bias, choice
        size = size_in_bytes(self.weight.numel())
        self.masks: Tensor
        self.register_buffer("masks", torch.full((directions, size), 255, dtype=torch.uint8))

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute (…, in) → (…, out)."""
        if self.choice.row is None:
            raise RuntimeError("no direction is set, whose mask a masked layer uses; call predict, generator or plain")
        return F.linear(inputs, self.masked(self.choice.row), self.bias)

    def masked(self, row: int) -> Tensor:
        """Return the matrix with zeros where a direction leaves it out."""
        return self.weight * self.kept(row)

    def kept(self, row: int) -> Tensor:
        """Return what a direction keeps, a bool tensor of the matrix's shape."""
        return unpack(self.masks[row], self.weight.shape)

    def keep(self, row: int, kept: Tensor) -> None:
        """Set what a direction keeps."""
        self.masks[row] = pack(kept)

    @torch.no_grad()
    def plain(self, row: int) -> Linear:
        """Make the plain layer of a direction: zeros in place, and the same bias."""
        made = Linear(1, 1, bias=self.bias is not None, device="meta")
        made.out_features, made.in_features = self.weight.shape
        made.weight, made.bias = torch.nn.Parameter(self.masked(row)), self.bias
        return made


def add_masks(side: Module, directions: int, choice: MaskChoice) -> None:
    """Put masks over every linear layer of a side of a network, changed in its place; biases are never masked.

    Args:
        side: Layers of an encoder or a decoder, without embeddings.
        directions: N.
        choice: Says whose masks the side uses.
    """
    for owner, name, plain in list(_list_places(side, Linear)):
        setattr(owner, name, MaskedLinear(plain, directions, choice))


def fold_masks(side: Module, row: int) -> None:
    """Put the plain layers of a direction in the places of those with masks."""
    for owner, name, masked in list(_list_places(side, MaskedLinear)):
        setattr(owner, name, masked.plain(row))


def _list_places(side: Module, kind: type[Module]) -> Iterator[tuple[Module, str, Any]]:
    """Yield owner, name and module of each module of a kind."""
    for owner in side.modules():
        for name, child in owner.named_children():
            if isinstance(child, kind):
                yield owner, name, child
