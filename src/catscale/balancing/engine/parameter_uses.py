"""Gradients of tasks, and products of each row's part with a vector, from what layers take in and what comes back.

Legend: R rows, one for each position of a sentence or each predicted token; A (R, I) what a layer takes in, B (R, O)
the gradient of what it gives out; C the vector's part of its weight, b that of its bias.

The gradient of a weight (O, I) is Σ_r B_r ⊗ A_r, so that ⟨its gradient, C⟩ = Σ_r (B C)_r · A_r: one product of matrices
for all rows, whoever they belong to, where the gradient of each task would have to be formed by itself. That of a bias
is Σ_r B_r; of a table, B_r in the row of the token; of the gain of a normalisation, Σ_r B_r times the normalised A_r.
Summed over the rows of one task alone, they are that task's gradient.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from catscale.balancing.engine.task_gradients import Stretches, TaskGradients

Vector = Mapping[int, Tensor]
"""A vector's part of each parameter, by the parameter's `id`; nothing of one where it is zero."""
Factors = tuple[Tensor, Tensor | None]
"""Rows of two matrices, (m, O) and (m, I), the sum of whose outer products is a gradient; of one, for a vector's."""


@dataclass(kw_only=True, eq=False)
class ParameterUse(ABC):
    """One use of parameters in a forward pass.

    Attributes:
        shape: The shape of the rows: sentences and positions, or predicted tokens.
        back: The gradient of what was given out, once the backward pass has come by.
        place: The edge of the graph at which autograd is asked for it, where no hook takes it.
    """

    shape: tuple[int, ...]
    back: Tensor | None = None
    place: GradientEdge | None = None

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

    @abstractmethod
    def add(self, back: Tensor, stretches: Stretches, found: TaskGradients) -> None:
        """Add each task's part of the gradient to what was found before.

        Args:
            back: The gradient of what was given out.
            stretches: The owners of the rows.
            found: Takes them.
        """


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

    def add(self, back: Tensor, stretches: Stretches, found: TaskGradients) -> None:
        """Add those of the weight and of the bias."""
        if self.weight:
            parts = stretches.split(back), stretches.split(self.given.to(back.dtype))
            for task, *pair in zip(stretches.tasks, *parts if self.is_turned else parts[::-1], strict=True):
                found.add_product(self.weight, task, *pair)
        found.add_vectors(self.bias, back, stretches)


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

    def add(self, back: Tensor, stretches: Stretches, found: TaskGradients) -> None:
        """Add those of the table."""
        tokens = self.tokens.reshape(-1)
        rows = back.reshape(len(tokens), -1)
        if self.padding >= 0:
            rows = rows.masked_fill((tokens == self.padding)[:, None], 0.0)
        for task, places, part in zip(stretches.tasks, stretches.split(tokens), stretches.split(rows), strict=True):
            found.add_rows(self.table, task, places, part)


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
            found.append(_times((back * self._normal()).reshape(-1, width), vector[self.weight]))
        return found

    def _normal(self) -> Tensor:
        return (self.given - self.mean) * self.rstd

    def add(self, back: Tensor, stretches: Stretches, found: TaskGradients) -> None:
        """Add those of weight and bias."""
        width = back.shape[-1]
        if self.weight:
            found.add_vectors(self.weight, (back * self._normal()).reshape(-1, width), stretches)
        found.add_vectors(self.bias, back.reshape(-1, width), stretches)


@dataclass(kw_only=True, eq=False)
class ToldUse(ParameterUse):
    """A function written in Python, an `autograd.Function`, that says what its rows are made of.

    Attributes:
        saved: The tensors that its forward pass saved.
        context: Its context.
        parameters: The `id` of the parameter that each of its tensor arguments is; 0 for one that is none.
        told: Takes the context, these tensors and the gradient of the first output, and yields, for some of the rows at
            a time, which they are and the factors of the gradient of each tensor argument; None of one that has none.
    """

    saved: Sequence[Tensor]
    context: Any
    parameters: Sequence[int]
    told: Callable[..., Iterable[tuple[slice, Sequence[Factors | None]]]]

    def products(self, back: Tensor, vector: Vector) -> list[Tensor | None]:
        """Return those of all arguments together."""
        total = torch.zeros(len(back), dtype=torch.promote_types(back.dtype, torch.float32), device=back.device)
        for part, factors in self._factors(back):
            for place, left, right in factors:
                if place in vector:
                    own = vector[place].to(left.dtype)
                    total[part] += _dot(left, own.expand_as(left)) if right is None else _dot(left @ own, right)
        return [total]

    def add(self, back: Tensor, stretches: Stretches, found: TaskGradients) -> None:
        """Add those of all arguments."""
        for part, factors in self._factors(back):
            cut = Stretches.of(stretches.owners[part])
            for place, left, right in factors:
                if right is None:
                    found.add_vectors(place, left, cut)
                    continue
                for task, one, other in zip(cut.tasks, cut.split(left), cut.split(right), strict=True):
                    found.add_product(place, task, one, other)

    def _factors(self, back: Tensor) -> Iterable[tuple[slice, list[tuple[int, Tensor, Tensor | None]]]]:
        """Yield some of the rows at a time, and the factors of each compared parameter."""
        for part, each in self.told(self.context, self.saved, back):
            pairs = zip(self.parameters, each, strict=True)
            yield part, [(place, *factors) for place, factors in pairs if place and factors is not None]


def _dot(left: Tensor, right: Tensor) -> Tensor:
    """Return the (R,) products of the rows of two (R, I), summed in float32 or wider."""
    return (left * right).sum(1, dtype=torch.promote_types(left.dtype, torch.float32))


def _times(rows: Tensor, vector: Tensor | None) -> Tensor | None:
    """Return (R, O) rows times a vector (O,), in its type; None without one."""
    return None if vector is None else rows.to(torch.promote_types(rows.dtype, vector.dtype)) @ vector
