"""The extra loss of latent depth: how many layers a language uses, and how alike the languages are in it.

Source: Li, Stickland, Tang, Kong, Deep Transformers with Latent Depth, NeurIPS 2020 (arXiv 2009.13102), and fairseq's
examples/latent_depth.

Legend: N languages of a side, L layers, n the language of the batch, a logits (N, L), z samples (N, L) of 1 with
probability π = sigmoid(a), q̄ the mean over languages, t the share of the training that is over.

    K  bernoulli   (1/L) Σ_l π_nl log(π_nl / q_l) + (1 − π_nl) log((1 − π_nl) / (1 − q_l)),  q = ½ or mean_m π_ml
       code        (1/L) Σ_l z_nl log(z_nl / q_l),  q = ½ or Σ_m z_ml / Σ_km z_mk
    u_l = mean_m z_ml,    S = −Σ_l u_l log u_l,    D = (Σ_l u_l − target)²
    loss = w(t) K + v(t) (share · S + D)
    w(t) = sparsity · clip((t − soft) / ramp, 0, 1),    v(t) = clip((t − soft − ramp) / ramp, 0, 1)

Differences from the source: logits start at a chosen value, and in evaluation nothing is drawn (`layer_choice`); w is
not negative before `soft`; v grows once, where the code multiplies by `share` twice and then leaps; the whole Bernoulli
divergence by default, where the code has the half of it for used layers; logarithms are of no less than `FLOOR`, so
that an unused layer has a finite slope. Every sub-batch has one language, and moves its row alone: of u only z_n has a
graph, with the slope of all N rows, so that over N equally frequent languages the gradients add up to the formula's.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

FLOOR = 1e-3


@dataclass(frozen=True)
class DepthLoss:
    """The terms of one side's extra loss; symbols as in the module's docstring.

    Attributes:
        kl: `bernoulli` or `code`.
        prior: `uniform` or `aggregated`.
        target: Layers that a language uses on average; None for no such term.
        sparsity: The weight of K once it has grown.
        share: The weight of S.
    """

    kl: str
    prior: str
    target: int | None
    sparsity: float
    share: float

    def total(self, logits: Tensor, samples: Tensor, row: int, growth: tuple[float, float]) -> Tensor:
        """Add up the terms, ().

        Args:
            logits: (N, L), of which only the row of the batch's language has a graph.
            samples: (N, L), in the same way.
            row: n.
            growth: w(t) / sparsity and v(t), each from 0 to 1.
        """
        first, second = growth
        divergence = self._bernoulli(logits, row) if self.kl == "bernoulli" else self._code(samples, row)
        used = samples.mean(0).detach() + (samples[row] - samples[row].detach())  # (L,) u
        joint = self.share * entropy(used)
        if self.target is not None:
            joint = joint + (used.sum() - self.target) ** 2
        return first * self.sparsity * divergence + second * joint

    def _bernoulli(self, logits: Tensor, row: int) -> Tensor:
        on, off = logsigmoid(logits[row]), logsigmoid(-logits[row])  # log π, log(1 − π)
        mean = logits.sigmoid().mean(0).detach() if self.prior == "aggregated" else torch.full_like(on, 0.5)
        mean = mean.clamp(FLOOR, 1 - FLOOR)
        return (on.exp() * (on - mean.log()) + off.exp() * (off - (1 - mean).log())).mean()

    def _code(self, samples: Tensor, row: int) -> Tensor:
        chosen = samples[row]
        prior = torch.full_like(chosen, 0.5)
        if self.prior == "aggregated":
            sums = samples.sum(0).detach()
            prior = sums / sums.sum().clamp(min=FLOOR)
        return (chosen * (chosen.clamp(min=FLOOR).log() - prior.clamp(min=FLOOR).log())).mean()


def entropy(used: Tensor) -> Tensor:
    """Compute S of (L,) utilisations: 0 where a layer is used by all languages or by none, largest at 1/e."""
    return -(used * used.clamp(min=FLOOR).log()).sum()


def growth(done: float, soft: float, ramp: float) -> tuple[float, float]:
    """Return how far the weights of K, and of S and D, have grown, each from 0 to 1.

    Args:
        done: The share of the training that is over.
        soft: The share after which samples are hard and K begins to count.
        ramp: The share that each of the two takes to grow.

    Example:
        >>> growth(0.1, 0.1, 0.2), growth(0.2, 0.1, 0.2), growth(0.4, 0.1, 0.2), growth(1, 0.1, 0.2)
        ((0.0, 0.0), (0.5, 0.0), (1.0, 0.5), (1.0, 1.0))
    """
    first, second = (min(1.0, max(0.0, round((done - soft) / ramp - late, 12))) for late in (0, 1))
    return first, second
