"""Products of a Hessian with vectors, by differentiating twice.

Legend: P parameter tensors, D numbers in all of them.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

LossFunction = Callable[[], Tensor]
"""Computes one scalar loss with its graph."""
LossGradient = list[Tensor | None]
"""The gradient of one loss, a tensor for each parameter, None where it is zero."""


class Hessian:
    """v → ∇²(Σ_i L_i) v, the Hessian over some parameters of a sum of losses.

        H v = ∇_θ ⟨∇_θ L, v⟩        (Pearlmutter, "Fast Exact Multiplication by the Hessian", 1994)

    Each loss (a mini-batch) is computed and differentiated in the parameters' own precision; the products of all
    losses are added up in float64. Attention runs on PyTorch's math backend: the fused ones cannot be differentiated
    twice. `.grad` is not touched; dropout must be off, or each product is of another Hessian.

    Cost of a product: about two backward passes with `hold`, three and a half without.

    Args:
        losses: Functions that return the L_i, twice differentiable.
        parameters: P different tensors. Where a tensor is used at several places (tied embeddings), its derivatives
            are those of all its uses.
        hold: Keep the graph of every gradient from one product to the next: less time, the memory of all graphs.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        >>> Hessian([lambda: theta[0] ** 2 * theta[1]], [theta])(torch.tensor([1.0, 0.0]))
        tensor([4., 2.], dtype=torch.float64)
    """

    def __init__(self, losses: Sequence[LossFunction], parameters: Sequence[Tensor], hold: bool = True) -> None:
        self.losses, self.parameters = list(losses), list(parameters)
        self._held = [self._gradient(loss) for loss in self.losses] if hold else None

    @property
    def sizes(self) -> list[int]:
        """Numbers in each of the P tensors."""
        return [parameter.numel() for parameter in self.parameters]

    def split(self, vector: Tensor) -> Sequence[Tensor]:
        """Split (D,) into P views, one per parameter tensor."""
        ends = np.cumsum([0, *self.sizes])
        return [vector[start:end] for start, end in itertools.pairwise(ends.tolist())]

    def within(self, parameters: Sequence[Tensor]) -> "Hessian":
        """Return the diagonal block of some of the parameters; graphs that are held are shared."""
        numbers = {id(parameter): number for number, parameter in enumerate(self.parameters)}
        chosen = [numbers[id(parameter)] for parameter in parameters]
        block = Hessian(self.losses, parameters, hold=False)
        if self._held is not None:
            block._held = [[row[number] for number in chosen] for row in self._held]
        return block

    def __call__(self, vector: Tensor) -> Tensor:
        """Return H v.

        Args:
            vector: (D,) on the parameters' device.

        Returns:
            (D,) float64; not finite where a derivative overflows.
        """
        pieces = self.split(vector)
        parts = [v.reshape(p.shape).to(p.dtype) for v, p in zip(pieces, self.parameters, strict=True)]
        total = torch.zeros_like(vector, dtype=torch.float64)
        for number, loss in enumerate(self.losses):
            row = self._gradient(loss) if self._held is None else self._held[number]
            for slot, product in zip(self.split(total), self._product(row, parts), strict=True):
                if product is not None:
                    slot += product.reshape(-1)
        return total

    def _gradient(self, loss: LossFunction) -> LossGradient:
        """Return ∇L with a graph of its own."""
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            return [*torch.autograd.grad(loss(), self.parameters, create_graph=True, allow_unused=True)]

    def _product(self, row: LossGradient, parts: Sequence[Tensor]) -> Sequence[Tensor | None]:
        """Return ∇⟨∇L, v⟩; a gradient that does not depend on the parameters (a linear loss) adds nothing."""
        pairs = [(g, v) for g, v in zip(row, parts, strict=True) if g is not None and g.requires_grad]
        if not pairs:
            return [None] * len(self.parameters)
        gradients, vectors = zip(*pairs, strict=True)
        keep = self._held is not None
        return torch.autograd.grad(gradients, self.parameters, vectors, retain_graph=keep, allow_unused=True)


def total_hessian(tasks: Sequence[tuple[float, Sequence[LossFunction]]], parameters: Sequence[Tensor]) -> Hessian:
    """Return the Hessian of Σ_n α_n L_n, computed anew for each product: one graph is alive at a time.

    Args:
        tasks: α_n and the mini-batches' losses of each task; a task of weight 0 costs nothing.
        parameters: P different tensors.
    """

    def weighted(weight: float, loss: LossFunction) -> LossFunction:
        return lambda: weight * loss()

    losses = [weighted(weight, loss) for weight, parts in tasks if weight for loss in parts]
    return Hessian(losses, parameters, hold=False)
