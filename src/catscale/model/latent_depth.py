"""Settings of latent depth: each language learns which layers it uses; a model of `latent_depth_model`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from catscale.data.direction import Direction, LanguageCode
from catscale.model import limits
from catscale.model.contract import TranslationModel
from catscale.model.m2m100 import M2M100
from catscale.model.saved_config import SavedConfig, read_description
from catscale.model.saved_tensors import restore_tensors
from catscale.model.transformer import SIDES, Transformer
from catscale.vocabulary.contract import Vocabulary

LayerSide = Literal["encoder", "decoder"]
Languages = Annotated[list[LanguageCode], Field(max_length=limits.LANGUAGES)]


class LatentDepthDescription(SavedConfig):
    """The content of `config.json` beside the description of a plain model."""

    encoder_languages: Languages
    decoder_languages: Languages
    rate: Annotated[float, Field(gt=0, le=1000)]


class LatentDepth(Transformer):
    """A Transformer in which each language learns which layers it uses.

    A layer adds z f(h) to its input h, z drawn in training as 1 with a probability that language and layer have, and
    decided in evaluation: languages share some layers and have others to themselves, and an exported model has a
    language's own layers alone. Source: Li, Stickland, Tang and Kong, NeurIPS 2020.

    Attributes:
        architecture: Names this kind of model.
        sides: The sides whose layers are chosen: the encoder's by the source language, the decoder's by the target.
        encoder_target: Layers of the encoder that a language uses on average; null for no such term of the loss.
        decoder_target: Layers of the decoder that a language uses on average; null for no such term.
        temperature: The softness of samples: of 5, a soft sample lies mostly between 0.2 and 0.8.
        soft: The share of the training whose samples are soft; they are 0 or 1 after it.
        ramp: The share of the training in which `sparsity_weight`, and after it the terms of sharing and depth, grow.
        sparsity_weight: Weight of the divergence of a language's probabilities from the prior.
        share_weight: Weight of the term that has languages use the same layers.
        kl: The divergence: `bernoulli`, the whole one, or `code`, that of the paper's code, from samples.
        prior: The prior that the divergence is from: `uniform`, a half, or `aggregated`, the mean over languages.
        start: Logit of every probability before training; 2 has 0.88, so that all layers are in use.
        rate: The speed of logits, as a multiple of other parameters'.
    """

    architecture: Literal["latent_depth"] = "latent_depth"
    sides: tuple[LayerSide, ...] = Field(default=("encoder", "decoder"), strict=False, min_length=1, max_length=2)
    encoder_target: int | None = Field(default=None, ge=1, le=limits.LAYERS)
    decoder_target: int | None = Field(default=None, ge=1, le=limits.LAYERS)
    temperature: float = Field(default=5.0, gt=0, le=100)
    soft: float = Field(default=0.02, ge=0, le=1)
    ramp: float = Field(default=0.2, gt=0, le=1)
    sparsity_weight: float = Field(default=0.1, ge=0, le=100)
    share_weight: float = Field(default=0.1, ge=0, le=100)
    kl: Literal["bernoulli", "code"] = "bernoulli"
    prior: Literal["uniform", "aggregated"] = "uniform"
    start: float = Field(default=2.0, ge=-20, le=20)
    rate: float = Field(default=10.0, gt=0, le=1000)

    @field_validator("sides")
    @classmethod
    def _check_sides(cls, sides: tuple[LayerSide, ...]) -> tuple[LayerSide, ...]:
        if len(set(sides)) < len(sides):
            raise ValueError("names encoder, decoder or both, each once")
        return sides

    @model_validator(mode="after")
    def _check_targets(self) -> Self:
        for side in SIDES:
            target, layers = getattr(self, f"{side}_target"), int(self.sizes()[f"{side}_layers"])
            if target is not None and (side not in self.sides or target > layers):
                raise ValueError(
                    f"model.{side}_target is the number of layers in use, of {layers} where {side} is among "
                    f"model.sides, found {target} with sides {', '.join(self.sides)}; lower it, or leave it out"
                )
        if self.soft + 2 * self.ramp > 1:
            raise ValueError(
                "model.soft and twice model.ramp are shares of the training and at most 1 together, so that every term "
                f"comes to its weight, found soft {self.soft:g} and ramp {self.ramp:g}; lower ramp"
            )
        return self

    @property
    def follows_length(self) -> bool:
        """Whether training follows the length of the run: samples and the weights of the extra loss do."""
        return True

    def build(self, vocabulary: Vocabulary, directions: Sequence[Direction], seed: int) -> TranslationModel:
        """Build a model whose languages use all layers alike, as `Architecture.build`."""
        from catscale.model.latent_depth_loss import DepthLoss
        from catscale.model.latent_depth_model import DepthTraining, LatentDepthModel

        terms = (self.sparsity_weight, self.share_weight)
        targets = {"encoder": self.encoder_target, "decoder": self.decoder_target}
        losses = {side: DepthLoss(self.kl, self.prior, target, *terms) for side, target in targets.items()}
        training = DepthTraining(losses, self.temperature, self.soft, self.ramp)
        base = M2M100.of_sizes(self).build_plain(vocabulary, seed)
        languages = self._languages(directions)
        return LatentDepthModel(base, languages["encoder"], languages["decoder"], training, self.start, self.rate)

    def _languages(self, directions: Sequence[Direction]) -> dict[str, list[str]]:
        """Return the languages that choose on each side, none where a side is not among `sides`."""
        found = {"encoder": {d.source for d in directions}, "decoder": {d.target for d in directions}}
        return {side: sorted(languages) if side in self.sides else [] for side, languages in found.items()}

    @classmethod
    def load(cls, folder: Path) -> TranslationModel:
        """Read a saved model, as `Architecture.load`."""
        from catscale.model.latent_depth_model import LatentDepthModel

        described = read_description(folder, LatentDepthDescription)
        languages = described.encoder_languages, described.decoder_languages
        model = LatentDepthModel(M2M100.rebuild(folder), *languages, rate=described.rate)
        restore_tensors(folder, model)
        return model.eval()

    def count_parameters(self, vocabulary: int, directions: Sequence[Direction]) -> int:
        """Count the plain model's, and the logits of each language on each side."""
        sizes, languages = self.sizes(), self._languages(directions)
        logits = sum(len(found) * int(sizes[f"{side}_layers"]) for side, found in languages.items())
        return super().count_parameters(vocabulary, directions) + logits
