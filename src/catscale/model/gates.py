"""Gates that decide, for each token and block, between the shared projection and the language's own.

Source: Zhang, Bapna, Sennrich, Firat, Share or Not? Learning to Schedule Language-Specific Capacity for Multilingual
Translation, ICLR 2021 (CLSR), and the branch iclr2021_clsr of bzhangGo/zero.

Legend: B sentences, T positions, d width; of a block x (B, T, d) the stream that enters it, normalised, y (B, T, d) its
output before the projection; n the language, t the number of the update, U the number of all.

    shared    s = W_s y + b_s                       of each block
    specific  l = W_n y                             of each language, one for all blocks of a side
              l = s + B_n A_n y                     in the low-rank form, B_n zero at the start
    gate      u = w_2 · relu(W_1 x + b_1) + b_2     of each block, a number per token
    training  g = sigmoid(u + a(t) e),   e ~ N(0, 1) per token,   a(t) = noise · min(1, t / U)
    else      g = 1[u ≥ 0]                          beside which E σ(u + a(t) e) is recorded, what the budget counts
    output    g l + (1 − g) s
    loss      + |Σ g m / Σ m − budget|              over all blocks; m is 1 for source tokens and predicted ones

Differences from the source: layers are normalised before a block, not after; w_2 starts at 0 and b_2 at `start`, below
0, so that training begins with what is shared; the feed-forward blocks' W_s starts as the identity; the low-rank form;
the other loss is a mean over tokens, not sentences; the tag of the target, which is given, does not count for m.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import Linear, Module, Parameter
from torch.nn import functional as F

from catscale.model.language_parameters import LanguageParameters


def mean_gate(score: Tensor, noise: float) -> Tensor:
    """Compute E σ(u + a e), the gate of training in the mean over its noise, by the trapezoid rule.

    Args:
        score: u, of any shape.
        noise: a.

    Returns:
        The mean, of the shape of u.
    """
    if not noise:
        return score.float().sigmoid()
    nodes = torch.linspace(-6, 6, 97, device=score.device)
    return (score.float()[..., None] + noise * nodes).sigmoid() @ (-0.5 * nodes.square()).softmax(0)


class OwnProjection(Module):
    """The projections of one side that languages have to themselves.

    Args:
        languages: Codes.
        width: d.
        rank: The rank of the low-rank form; None for whole matrices.
    """

    def __init__(self, languages: list[str], width: int, rank: int | None) -> None:
        super().__init__()

        def draw(rows: int) -> LanguageParameters:
            return LanguageParameters(
                {name: torch.nn.init.xavier_uniform_(torch.empty(rows, width)) for name in sorted(languages)}
            )

        self.first = draw(width if rank is None else rank)  # W_n, or A_n
        self.second = None  # B_n
        if rank is not None:
            self.second = LanguageParameters({name: torch.zeros(width, rank) for name in languages})

    def forward(self, inputs: Tensor, shared: Tensor, language: str) -> Tensor:
        """Compute l of a language from y and s, (B, T, d)."""
        if self.second is None:
            return F.linear(inputs, self.first[language])
        return shared + F.linear(F.linear(inputs, self.first[language]), self.second[language])

    def list_own(self, language: str) -> list[Parameter]:
        """List the parameters of a language."""
        return [part[language] for part in (self.first, self.second) if part is not None]


@dataclass
class Routing:
    """The words between a model and its blocks: what they are told of the present batch, and what they tell of it.

    Attributes:
        language: The language whose projections take part; None before a direction is known.
        own: The languages' projections by side.
        masks: (B, T) of each side, 1 for tokens that count; empty while the model generates.
        noise: a(t).
        gates: Side, name, u and g of each block, (B, T, 1) both, while there are masks.
    """

    language: str | None = None
    own: dict[str, OwnProjection] = field(default_factory=dict)
    masks: dict[str, Tensor] = field(default_factory=dict)
    noise: float = 0.0
    gates: list[tuple[str, str, Tensor, Tensor]] = field(default_factory=list)

    def budget_loss(self, budget: float) -> Tensor:
        """Compute |Σ g m / Σ m − budget|, ()."""
        total = torch.stack([(gate[..., 0].float() * self.masks[side]).sum() for side, _, _, gate in self.gates]).sum()
        count = sum(self.masks[side].sum() for side, _, _, _ in self.gates)
        return (total / count - budget).abs()


class RoutedBlock(Module):
    """The end of a block: the shared projection or the language's own, token by token.

    Args:
        routing: Shared by all blocks of a model.
        side: `encoder` or `decoder`.
        name: The block's name, for the record.
        inner: The second linear layer of a feed-forward block, which stays; None for attention.
        shared: W_s and b_s.
        gate_width: Hidden units of the gate.
        start: b_2 before training.
    """

    def __init__(
        self,
        routing: Routing,
        side: str,
        name: str,
        inner: Module | None,
        shared: Linear,
        gate_width: int,
        start: float,
    ) -> None:
        super().__init__()
        self._routing, self._side, self._name = routing, side, name
        self.inner, self.shared = inner, shared
        self.gate_hidden, self.gate_output = Linear(shared.in_features, gate_width), Linear(gate_width, 1)
        torch.nn.init.zeros_(self.gate_output.weight)
        torch.nn.init.constant_(self.gate_output.bias, start)
        self._stream: Tensor | None = None

    def remember(self, module: Module, inputs: Any, output: Tensor) -> None:
        """Keep x, as a forward hook of the block's normalisation."""
        self._stream = output

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute the block's output from y, or from what goes into `inner`."""
        routing, stream, self._stream = self._routing, self._stream, None
        if routing.language is None or stream is None:
            raise RuntimeError("a routed model needs a direction: call its predict or generator, not its network")
        inputs = inputs if self.inner is None else self.inner(inputs)
        shared = self.shared(inputs)
        score = self.gate_output(F.relu(self.gate_hidden(stream)))
        if self.training:
            gate = (score + routing.noise * torch.randn_like(score)).sigmoid()
        else:
            gate = (score >= 0).to(score.dtype)
            if torch.is_grad_enabled():
                gate = gate + 0 * score  # so that gates have a gradient, which is zero
        if routing.masks:
            routing.gates.append((self._side, self._name, score, gate))
        own = routing.own[self._side](inputs, shared, routing.language)
        return torch.lerp(shared, own.to(shared.dtype), gate.to(shared.dtype))

    def list_gate(self) -> list[Parameter]:
        """List the parameters of the gate, and of the projection where the plain block has none."""
        added = [] if self.inner is None else list(self.shared.parameters())
        return [*self.gate_hidden.parameters(), *self.gate_output.parameters(), *added]
