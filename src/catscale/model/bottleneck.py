"""Bottleneck adapters after a layer: one for each owner, a language or a family of languages.

Source: Bapna and Firat, Simple, Scalable Adaptation for Neural Machine Translation, EMNLP 2019, Section 3.1, after
Houlsby et al., 2019.

Legend: B sentences, T positions, d width, b bottleneck; h (B, T, d) what the layer passes on, n the owner.

    h ← h + U_n relu(D_n LN_n(h) + c_n) + e_n       D_n (b, d), U_n (d, b), zero at the start as c_n and e_n are

Differences from the source: the stream that enters is that of layers normalised before their blocks; U_n starts at
zero, so that the model is exactly the one without adapters then, where the source starts near it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.nn import functional as F

from catscale.model.language_parameters import LanguageParameters

AdaptersOf = Literal["target", "source", "sides"]
DECIDES: Mapping[AdaptersOf, tuple[str, str]] = {
    "target": ("target", "target"),
    "source": ("source", "source"),
    "sides": ("source", "target"),
}
"""Setting → which of a direction's languages decides in the encoder, and in the decoder."""


@dataclass
class Present:
    """The words between a model and its adapters: whose take part in the present batch.

    Attributes:
        owners: Owner by side, `encoder` and `decoder`; empty before a direction is known.
    """

    owners: dict[str, str] = field(default_factory=dict)


class Bottlenecks(Module):
    """The adapters after one layer.

    Args:
        present: Shared by all layers of a model.
        side: `encoder` or `decoder`.
        owners: Languages and families.
        width: d.
        bottleneck: b.
    """

    def __init__(self, present: Present, side: str, owners: Sequence[str], width: int, bottleneck: int) -> None:
        super().__init__()
        self._present, self._side = present, side
        self.gain = LanguageParameters({owner: torch.ones(width) for owner in owners})
        self.shift = LanguageParameters({owner: torch.zeros(width) for owner in owners})
        drawn = {owner: torch.nn.init.xavier_uniform_(torch.empty(bottleneck, width)) for owner in sorted(owners)}
        self.down = LanguageParameters(drawn)
        self.down_bias = LanguageParameters({owner: torch.zeros(bottleneck) for owner in owners})
        self.up = LanguageParameters({owner: torch.zeros(width, bottleneck) for owner in owners})
        self.up_bias = LanguageParameters({owner: torch.zeros(width) for owner in owners})

    def follow(self, module: Module, inputs: Any, states: Tensor) -> Tensor:
        """Adapt what a layer passes on, as its forward hook."""
        owner = self._present.owners.get(self._side)
        if owner is None:
            raise RuntimeError("a model with adapters needs a direction: call its predict or generator")
        normed = F.layer_norm(states, states.shape[-1:], self.gain[owner], self.shift[owner])
        hidden = F.relu(F.linear(normed, self.down[owner], self.down_bias[owner]))
        return states + F.linear(hidden, self.up[owner], self.up_bias[owner])

    def list_own(self, owner: str) -> list[Parameter]:
        """List the parameters of an owner."""
        parts = (self.gain, self.shift, self.down, self.down_bias, self.up, self.up_bias)
        return [part[owner] for part in parts]


def count_bottleneck(width: int, bottleneck: int) -> int:
    """Count the parameters of one adapter: 2 d b + b + 3 d.

    >>> count_bottleneck(512, 64)
    67136
    """
    return 2 * width * bottleneck + bottleneck + 3 * width
