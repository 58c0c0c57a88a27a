"""The model of `routed` (CLSR): a plain one whose blocks choose between shared and own projections; see `gates`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import Linear, ModuleDict, Parameter

from catscale.data.batching import IGNORED, Batch
from catscale.data.direction import Direction
from catscale.model.contract import Prediction
from catscale.model.extended_model import ExtendedModel
from catscale.model.gates import OwnProjection, RoutedBlock, Routing, mean_gate
from catscale.model.m2m100_model import M2M100Model, layers_of
from catscale.model.saved_config import ROUTED
from catscale.model.transformer import SIDES


@dataclass(frozen=True)
class RoutingForm:
    """The form of a routed model, which its folder tells.

    Attributes:
        languages: The languages that have projections.
        language: Whether the `target` or the `source` language decides.
        gate_width: Hidden units of a gate.
        rank: The rank of the low-rank form; None for whole matrices.
    """

    languages: Sequence[str]
    language: str
    gate_width: int
    rank: int | None


class RoutedModel(ExtendedModel):
    """A plain model with gates, and projections of each language.

    Args:
        base: The plain model, whose blocks are changed in their place.
        form: Languages and sizes.
        start: The gates' score before training.
        budget: The share of computation that is to be the languages' own.
        noise: a_max.
    """

    def __init__(
        self, base: M2M100Model, form: RoutingForm, start: float = 0.0, budget: float = 0.0, noise: float = 0.0
    ) -> None:
        super().__init__(base)
        self._form, self._budget, self._noise = form, budget, noise
        width, languages = int(base.network.config.d_model), list(form.languages)
        own = {side: OwnProjection(languages, width, form.rank) for side in SIDES}
        self.own = ModuleDict(own)
        self._routing = Routing(own=own)
        self._use: dict[tuple[str, str], Tensor] = {}
        self.blocks = [self._add_block(place, start) for place in list_places(base.network)]

    def _add_block(self, place: "Place", start: float) -> RoutedBlock:
        inner, shared = None, place.projection
        if place.is_feed_forward:
            inner, shared = shared, _identity(shared.out_features)
        block = RoutedBlock(self._routing, place.side, place.name, inner, shared, self._form.gate_width, start)
        setattr(place.owner, place.attribute, block)
        place.norm.register_forward_hook(block.remember)
        return block

    def _language(self, direction: Direction) -> str:
        """Return the language whose projections take part.

        Raises:
            ConfigError: If it has none.
        """
        language = direction.target if self._form.language == "target" else direction.source
        self.own_parameters_of(language)
        return language

    def own_parameters_of(self, language: str) -> list[Parameter]:
        """List the projections of a language, on both sides."""
        return [parameter for own in self._routing.own.values() for parameter in own.list_own(language)]

    def own_parameters(self, direction: Direction) -> list[Parameter]:
        """List the projections of the direction's language that are trained."""
        return self.own_parameters_of(self._language(direction))

    def added_parameters(self) -> list[Parameter]:
        """List gates, added projections, and the languages' own."""
        return [*self.own.parameters(), *(p for block in self.blocks for p in block.list_gate())]

    def at_step(self, step: int, steps: int) -> None:
        """Set the gates' noise, which grows to the end of the training."""
        self._routing.noise = self._noise * min(1.0, step / steps)

    def train(self, mode: bool = True) -> "RoutedModel":
        """Set the mode; what languages use is counted anew from each change to evaluation."""
        if not mode:
            self._use.clear()
        super().train(mode)
        return self

    def predict(self, batch: Batch) -> Prediction:
        """Predict, as `TranslationModel.predict`: with soft, noisy gates in training, with hard ones in evaluation."""
        with self._routed(batch):
            said = self.base.predict(batch)
            if self.training:
                return replace(said, regulariser=self._routing.budget_loss(self._budget))
            self._count(self._routing.language or "")
            return said

    @contextmanager
    def _routed(self, batch: Batch) -> Iterator[None]:
        """Tell the blocks, for the time of the block, of a batch."""
        routing, source = self._routing, batch.attention_mask
        routing.language = self._language(batch.direction)
        encoder = torch.ones_like(batch.input_ids) if source is None else source
        routing.masks = {"encoder": encoder.float(), "decoder": (batch.labels != IGNORED).float()}
        try:
            yield
        finally:
            routing.language, routing.masks, routing.gates = None, {}, []

    @torch.no_grad()
    def _count(self, language: str) -> None:
        """Add up, by block, tokens, hard gates and means of noisy ones, for `describe_use`."""
        for side, name, score, gate in self._routing.gates:
            mask = self._routing.masks[side]
            parts = (mask, mask * gate[..., 0], mask * mean_gate(score[..., 0], self._routing.noise))
            sums = torch.stack([part.double().sum() for part in parts])
            self._use[language, name] = self._use.get((language, name), 0) + sums

    def describe_use(self) -> dict[str, Any]:
        """Give the share of tokens that take the own projection, by language and block, since the last change of mode.

        Returns:
            `usage`; and `gates`, the share over all of them: `hard`, as used, and `soft`, as the budget counts it in
            training, in the mean over the noise.
        """
        if not self._use:
            return {}
        usage: dict[str, dict[str, float]] = {}
        for (language, name), (tokens, hard, _) in self._use.items():
            usage.setdefault(language, {})[name] = float(hard / tokens)
        tokens, hard, soft = torch.stack(list(self._use.values())).sum(0).tolist()
        return {"usage": usage, "gates": {"hard": hard / tokens, "soft": soft / tokens}}

    def generator(self, direction: Direction) -> Any:
        """Return the network, whose blocks take the direction's language until the next call."""
        self._routing.language = self._language(direction)
        return self.base.network

    def description(self) -> dict[str, Any]:
        """Describe the plain model, and the form of the routing."""
        form = {name: getattr(self._form, name) for name in ("language", "gate_width", "rank")}
        return {
            **super().description(),
            "architecture": ROUTED,
            "languages": sorted(self._form.languages),
            **form,
        }


@dataclass(frozen=True)
class Place:
    """The place of a block's projection in a network.

    Attributes:
        side: `encoder` or `decoder`.
        name: For records: `encoder.0.self`, `decoder.0.cross`, `decoder.0.feed`.
        owner: The module that has the projection.
        attribute: Its name there.
        norm: The normalisation of the stream that enters the block.
        is_feed_forward: Whether it is one, or else attention.
    """

    side: str
    name: str
    owner: Any
    attribute: str
    norm: Any
    is_feed_forward: bool = False

    @property
    def projection(self) -> Linear:
        """The linear layer that is there."""
        found: Linear = getattr(self.owner, self.attribute)
        return found


def list_places(network: Any) -> Iterator[Place]:
    """Yield the blocks of a network, in the order of computation: two of an encoder's layer, three of a decoder's."""
    for side in SIDES:
        for number, layer in enumerate(layers_of(network, side)):
            name = f"{side}.{number}"
            yield Place(side, f"{name}.self", layer.self_attn, "out_proj", layer.self_attn_layer_norm)
            if side == "decoder":
                yield Place(side, f"{name}.cross", layer.encoder_attn, "out_proj", layer.encoder_attn_layer_norm)
            yield Place(side, f"{name}.feed", layer, "fc2", layer.final_layer_norm, True)


def _identity(width: int) -> Linear:
    """Make a projection that changes nothing before it is trained."""
    made = Linear(width, width)
    torch.nn.init.eye_(made.weight)
    torch.nn.init.zeros_(made.bias)
    return made
