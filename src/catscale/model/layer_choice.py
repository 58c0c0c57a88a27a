"""The layers that each language uses on one side of a Transformer: drawn in training, decided in evaluation.

Legend: N languages of the side, L layers, a logits (N, L), z samples (N, L), τ temperature.

    a = rate · parameter,    z = sigmoid((a + g) / τ),  g the difference of two Gumbel variables: log U − log(1 − U)
    hard: z ← 1[z > ½], which has probability sigmoid(a) for every τ, with the gradient of the soft z
    evaluation: 1[a > 0]; the layer of the largest a where there is none
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Module

from catscale.model.language_parameters import LanguageParameters


class LayerChoice(Module):
    """A row of logits for each language.

    Args:
        languages: The languages of the side.
        layers: L.
        start: Each a before training.
        rate: The factor on parameters: an optimiser that gives all parameters the same steps moves a this many times
            as fast.
    """

    def __init__(self, languages: Sequence[str], layers: int, start: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.rate = rate
        self.rows = LanguageParameters({language: torch.full((layers,), start / rate) for language in languages})

    @property
    def languages(self) -> list[str]:
        """The languages, in the order of the rows."""
        return self.rows.languages

    def logits(self, language: str) -> Tensor:
        """Return a, (N, L), of which only the row of a language has a graph."""
        self.rows[language]  # says which there are
        rows = [self.rows[name] if name == language else self.rows[name].detach() for name in self.languages]
        return self.rate * torch.stack(rows)

    def used(self, language: str) -> list[int]:
        """Return the layers that a language uses after training, ascending, one at least."""
        row = self.rows[language].detach()
        found: list[int] = (row > 0).nonzero()[:, 0].tolist()
        return found or [int(row.argmax())]

    def probabilities(self, language: str) -> list[float]:
        """Return the L probabilities of a language."""
        found: list[float] = (self.rate * self.rows[language].detach()).sigmoid().tolist()
        return found


def draw(logits: Tensor, temperature: float, hard: bool) -> Tensor:
    """Draw z, (N, L), one sample for each language and layer.

    Args:
        logits: a.
        temperature: τ.
        hard: Whether samples are 0 or 1, with the gradient of the soft ones.
    """
    uniform = torch.rand_like(logits).clamp(1e-7, 1 - 1e-7)
    soft = ((logits + uniform.log() - (1 - uniform).log()) / temperature).sigmoid()
    return (soft > 0.5).to(soft) + (soft - soft.detach()) if hard else soft
