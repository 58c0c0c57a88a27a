"""The model of `latent_depth`: a plain one, in which each language uses layers of its own choice.

Legend: z samples (N, L) of N languages and L layers of a side, in training; see `catscale.model.layer_choice`.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import ModuleDict, Parameter

from catscale.data.batching import Batch
from catscale.data.direction import Direction
from catscale.model.active_layers import reduced, scaled, take_layers
from catscale.model.contract import Prediction
from catscale.model.extended_model import ExtendedModel
from catscale.model.latent_depth_loss import DepthLoss, growth
from catscale.model.layer_choice import LayerChoice, draw
from catscale.model.m2m100_model import M2M100Model
from catscale.model.transformer import SIDES

ARCHITECTURE = "latent_depth"


@dataclass(frozen=True)
class DepthTraining:
    """The settings of latent depth that count in training alone.

    Attributes:
        losses: The extra loss by side.
        temperature: τ.
        soft: The share of the training with soft samples.
        ramp: The share in which a term of the extra loss grows.
    """

    losses: dict[str, DepthLoss]
    temperature: float
    soft: float
    ramp: float


class LatentDepthModel(ExtendedModel):
    """A plain model whose layers are chosen by language: the encoder's by the source, the decoder's by the target.

    Args:
        base: The plain model.
        encoder: Languages that choose among the encoder's layers; none where all use all.
        decoder: Languages that choose among the decoder's.
        training: The settings that count in training alone; None for a model that is not trained.
        start: Each logit before training.
        rate: The factor on parameters that gives logits.
    """

    def __init__(
        self,
        base: M2M100Model,
        encoder: Sequence[str],
        decoder: Sequence[str],
        training: DepthTraining | None = None,
        start: float = 0.0,
        rate: float = 1.0,
    ) -> None:
        super().__init__(base)
        self._settings, self._rate = training, rate
        languages = {"encoder": encoder, "decoder": decoder}
        self.choices = ModuleDict(
            {s: LayerChoice(found, len(self._side(s).layers), start, rate) for s, found in languages.items() if found}
        )
        self._hard, self._growth = False, (0.0, 0.0)

    def at_step(self, step: int, steps: int) -> None:
        """Set the kind of samples and the weights of the extra loss, which follow the share of the training."""
        if self._settings is not None:
            done = step / steps
            self._hard = done > self._settings.soft
            self._growth = growth(done, self._settings.soft, self._settings.ramp)

    def _choices(self, direction: Direction) -> Iterator[tuple[str, LayerChoice, str]]:
        """Yield side, choice and the direction's language there, for each side that has a choice."""
        languages = {"encoder": direction.source, "decoder": direction.target}
        for side, choice in self._sides():
            yield side, choice, languages[side]

    def _sides(self) -> Iterator[tuple[str, LayerChoice]]:
        """Yield the sides whose layers are chosen."""
        for side, choice in self.choices.items():
            yield side, cast(LayerChoice, choice)

    def own_parameters(self, direction: Direction) -> list[Parameter]:
        """List the logits of the direction's languages."""
        return [choice.rows[language] for _, choice, language in self._choices(direction)]

    def predict(self, batch: Batch) -> Prediction:
        """Predict, as `TranslationModel.predict`: with drawn layers in training, with those in use in evaluation."""
        if not self.training:
            with self._using(batch.direction):
                return self.base.predict(batch)
        if self._settings is None:
            raise RuntimeError("a model that was read to be used has no settings of training; build one to train it")
        extra: list[Tensor] = []
        with ExitStack() as stack:
            for side, choice, language in self._choices(batch.direction):
                logits, row = choice.logits(language), choice.languages.index(language)
                samples = draw(logits, self._settings.temperature, self._hard)
                stack.enter_context(scaled(self._side(side).layers, samples[row]))
                extra.append(self._settings.losses[side].total(logits, samples, row, self._growth))
            said = self.base.predict(batch)
        return replace(said, regulariser=torch.stack(extra).sum())

    def _side(self, side: str) -> Any:
        return getattr(self.base.network.model, side)

    @contextmanager
    def _using(self, direction: Direction) -> Iterator[None]:
        """Use, for the block, the layers of a direction; with a graph, unused ones have a gradient, which is zero."""
        with ExitStack() as stack:
            for side, choice, language in self._choices(direction):
                used, parts = choice.used(language), self._side(side)
                if torch.is_grad_enabled():
                    idle = [layer for place, layer in enumerate(parts.layers) if place not in used]
                    stack.enter_context(scaled(idle, torch.zeros(len(idle), device=self.device)))
                else:
                    stack.enter_context(reduced(parts, used))
            yield

    def generator(self, direction: Direction) -> Any:
        """Return the network of the layers that a direction uses, whose tensors are this model's."""
        return self.plain(direction).network

    def plain(self, direction: Direction) -> M2M100Model:
        """Make the plain model of the layers that a direction uses, whose tensors are this model's."""
        used = {side: choice.used(language) for side, choice, language in self._choices(direction)}
        layers = [used.get(side, range(len(self._side(side).layers))) for side in SIDES]
        return M2M100Model(take_layers(self.base.network, *layers))

    def describe_use(self) -> dict[str, Any]:
        """Give the probability of each layer by language; after training, those above ½ are in use."""
        found: dict[str, dict[str, float]] = {}
        for side, choice in self._sides():
            for language in choice.languages:
                shares = choice.probabilities(language)
                found.setdefault(language, {}).update({f"{side}.{layer}": p for layer, p in enumerate(shares)})
        return {"usage": found}

    def description(self) -> dict[str, Any]:
        """Describe the plain model, and which languages choose on which side."""
        own: dict[str, Any] = {f"{side}_languages": [] for side in SIDES}
        own |= {f"{side}_languages": choice.languages for side, choice in self._sides()}
        return {**super().description(), "architecture": ARCHITECTURE, **own, "rate": self._rate}
