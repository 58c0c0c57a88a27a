"""A toy architecture with everything that the plain one lacks: parameters of a target language's own, an extra loss,
and a strength that grows with the steps of training."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import Module, Parameter, ParameterDict

from catscale.data.batching import Batch
from catscale.data.direction import Direction
from catscale.model.contract import Prediction, TranslationModel
from catscale.model.m2m100_model import M2M100Model, build_network, new_network
from catscale.model.saved_config import SavedConfig, read_description
from catscale.model.saved_tensors import restore_tensors
from catscale.model.transformer import Transformer
from catscale.vocabulary.contract import Vocabulary

PENALTY = 0.1


class AdaptedModel(TranslationModel):
    """Adds a vector of the target language to the decoder's last hidden states.

    Args:
        base: The plain model.
        languages: Target languages.
    """

    def __init__(self, base: M2M100Model, languages: Sequence[str]) -> None:
        super().__init__()
        self.base, self.strength, self.target = base, 1.0, ""
        width = base.network.config.d_model
        self.shifts = ParameterDict(
            {language: Parameter(torch.full((width,), 0.1 * 10**place)) for place, language in enumerate(languages)}
        )
        base.network.model.decoder.layer_norm.register_forward_hook(self._shift)

    def _shift(self, module: Module, inputs: Any, states: Tensor) -> Tensor:
        return states + (self.strength if self.training else 1.0) * self.shifts[self.target]

    def predict(self, batch: Batch) -> Prediction:
        self.target = batch.direction.target
        penalty = PENALTY * self.shifts[self.target].square().mean() if self.training else None
        return replace(self.base.predict(batch), regulariser=penalty)

    def layers(self) -> Sequence[Module]:
        return self.base.layers()

    def parameter_groups(self) -> dict[str, list[Parameter]]:
        return self.base.parameter_groups()

    def module_groups(self) -> dict[str, list[Parameter]]:
        return self.base.module_groups()

    def shared_parameters(self) -> list[Parameter]:
        return self.base.shared_parameters()

    def own_parameters(self, direction: Direction) -> list[Parameter]:
        return [self.shifts[direction.target]]

    def at_step(self, step: int, steps: int) -> None:
        self.strength = step / steps

    def generator(self, direction: Direction) -> Any:
        self.target = direction.target
        return self.base.network

    @property
    def positions(self) -> int:
        return self.base.positions

    def description(self) -> dict[str, Any]:
        return {**self.base.description(), "architecture": "adapted", "languages": list(self.shifts)}


class Description(SavedConfig):
    """What `config.json` holds beside what that of a plain model does."""

    languages: list[str]


class Adapted(Transformer):
    """A vector for each target language; `made` is another class where a test plants a defect."""

    made: ClassVar[type[AdaptedModel]] = AdaptedModel

    architecture: Literal["adapted"] = "adapted"

    def build(self, vocabulary: Vocabulary, directions: Sequence[Direction], seed: int) -> TranslationModel:
        base = M2M100Model(build_network(self.sizes(), vocabulary, seed))
        return self.made(base, sorted({direction.target for direction in directions}))

    @classmethod
    def load(cls, folder: Path) -> TranslationModel:
        model = cls.made(M2M100Model(new_network(folder)), read_description(folder, Description).languages)
        restore_tensors(folder, model)
        return model.eval()

    def count_parameters(self, vocabulary: int, directions: Sequence[Direction]) -> int:
        own = len({direction.target for direction in directions}) * self.sizes()["d_model"]
        return super().count_parameters(vocabulary, directions) + int(own)
