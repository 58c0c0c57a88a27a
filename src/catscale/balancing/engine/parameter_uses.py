"""Products of each row's part of a gradient with a vector, from what a layer takes in and what comes back to it.

Legend: R rows, one for each position of a sentence or each predicted token; A (R, I) what a layer takes in, B (R, O)
the gradient of what it gives out; C the vector's part of its weight, b that of its bias.

The gradient of a weight (O, I) is Σ_r B_r ⊗ A_r, so that ⟨its gradient, C⟩ = Σ_r (B C)_r · A_r: one product of matrices
for all rows, whoever they belong to, where the gradient of each task would have to be formed by itself. That of a bias
is Σ_r B_r; of a table, B_r in the row of the token; of the gain of a normalisation, Σ_r B_r times the normalised A_r.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Vector = Mapping[int, Tensor]
"""A vector's part of each parameter, by the parameter's `id`; nothing of one where it is zero."""


@dataclass(kw_only=True, eq=False)
class ParameterUse(ABC):
    """One use of parameters in a forward pass.

    Attributes:
        shape: The shape of the rows: sentences and positions, or predicted tokens.
        back: The gradient of what was given out, once the backward pass has come by.
    """

    shape: tuple[int, ...]
    back: Tensor | None = None

    def take(self, gradients: Sequence[Tensor | None]) -> None:
        """Keep what comes back; the hook of the node in the graph."""
        self.back = None if gradients[0] is None else gradients[0].detach()

    def squares(self) -> Tensor | None:
        """Return the (R,) squares of what came back, which tell whose is not finite; None for nothing."""
        if self.back is None:
            return None
        wide = torch.promote_types(self.back.dtype, torch.float32)
        return self.back.reshape(torch.Size(self.shape).numel(), -1).to(wide).square().sum(1)

    def multiply(self, vector: Vector) -> Tensor | None:
        """Return the (R,) products of each row's part of the gradient with a vector; None where all are zero."""
        if self.back is None:
            return None
        parts = [part for part in self.products(self.back, vector) if part is not None]
        return torch.stack(parts).sum(0) if parts else None

    @abstractmethod
    def products(self, back: Tensor, vector: Vector) -> Sequence[Tensor | None]:
        """Return (R,) products with the vector's parts of the use's parameters; None of those that it lacks."""


@dataclass(kw_only=True, eq=False)
class LinearUse(ParameterUse):
    """The product of rows with a matrix, plus a bias.

    Attributes:
        given: A.
        weight: The `id` of the weight; 0 for one that is not compared.
        bias: The `id` of the bias; 0 too.
        is_turned: Whether the weight is (O, I), and not (I, O).
    """

    given: Tensor
    weight: int
    bias: int
    is_turned: bool

    def products(self, back: Tensor, vector: Vector) -> list[Tensor | None]:
        """Return those of the weight and of the bias."""
        return [self._of_weight(back, vector.get(self.weight)), _times(back, vector.get(self.bias))]

    def _of_weight(self, back: Tensor, part: Tensor | None) -> Tensor | None:
        if part is None:
            return None
        matrix = (part if self.is_turned else part.T).to(back.dtype)  # C (O, I)
        if matrix.shape[1] <= matrix.shape[0]:
            return _dot(back @ matrix, self.given)
        return _dot(self.given.to(back.dtype) @ matrix.T, back)


@dataclass(kw_only=True, eq=False)
class EmbeddingUse(ParameterUse):
    """The rows of a table.

    Attributes:
        tokens: The (…) rows that were taken.
        table: The `id` of the table.
        padding: The row that is given no gradient; -1 for none.
    """

    tokens: Tensor
    table: int
    padding: int

    def products(self, back: Tensor, vector: Vector) -> list[Tensor | None]:
        """Return those of the table."""
        if self.table not in vector:
            return []
        tokens = self.tokens.reshape(-1)
        found = _dot(back.reshape(len(tokens), -1), vector[self.table].index_select(0, tokens))
        return [found if self.padding < 0 else found.masked_fill(tokens == self.padding, 0.0)]


@dataclass(kw_only=True, eq=False)
class NormUse(ParameterUse):
    """A layer normalisation over the last dimension.

    Attributes:
        given: A, of any shape.
        mean, rstd: Mean of each row, and one over its standard deviation.
        weight, bias: The `id` of either; 0 for one that is not compared.
    """

    given: Tensor
    mean: Tensor
    rstd: Tensor
    weight: int
    bias: int

    def products(self, back: Tensor, vector: Vector) -> list[Tensor | None]:
        """Return those of weight and bias."""
        width, found = back.shape[-1], [_times(back.reshape(-1, back.shape[-1]), vector.get(self.bias))]
        if self.weight in vector:
            normal = (self.given - self.mean) * self.rstd
            found.append(_times((back * normal).reshape(-1, width), vector[self.weight]))
        return found


@dataclass(kw_only=True, eq=False)
class ToldUse(ParameterUse):
    """A function written in Python, an `autograd.Function`, that says how its rows are multiplied.

    Attributes:
        saved: The tensors that its forward pass saved.
        context: Its context.
        parameters: The `id` of the parameter that each of its tensor arguments is; 0 for one that is none.
        told: Takes the context, these tensors, the gradient of the first output and the vector's part of each
            argument, None for zero, and returns the (R,) products.
    """

    saved: Sequence[Tensor]
    context: Any
    parameters: Sequence[int]
    told: Callable[..., Tensor]

    def products(self, back: Tensor, vector: Vector) -> list[Tensor | None]:
        """Return those of all arguments together."""
        return [self.told(self.context, self.saved, back, [vector.get(place) for place in self.parameters])]


def _dot(left: Tensor, right: Tensor) -> Tensor:
    """Return the (R,) products of the rows of two (R, I), summed in float32 or wider."""
    return (left * right).sum(1, dtype=torch.promote_types(left.dtype, torch.float32))


def _times(rows: Tensor, vector: Tensor | None) -> Tensor | None:
    """Return (R, O) rows times a vector (O,), in its type; None without one."""
    return None if vector is None else rows.to(torch.promote_types(rows.dtype, vector.dtype)) @ vector
