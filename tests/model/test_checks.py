"""Broken architectures break the promise that they should; the suite would notice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch.nn import Module, Parameter

from catscale.data.batching import Batch
from catscale.data.direction import Direction
from catscale.model.checks import check_architecture
from catscale.model.contract import Prediction, TranslationModel
from catscale.model.saved_config import write_description
from catscale.model.saved_tensors import save_tensors
from catscale.vocabulary.contract import Vocabulary
from tests.model.adapted import Adapted, AdaptedModel

SIZES: dict[str, Any] = {
    "preset": "tiny", "width": 16, "heads": 2, "feed_forward": 24, "encoder_layers": 1, "decoder_layers": 1
}  # fmt: skip


class ShortOfTokens(AdaptedModel):
    def predict(self, batch: Batch) -> Prediction:
        said = super().predict(batch)
        return said.with_logits(said.logits[:1])


class LooksAround(AdaptedModel):
    def predict(self, batch: Batch) -> Prediction:
        said = super().predict(batch)
        return said.with_logits(said.logits + said.logits.mean(0))


class FollowsTheStep(AdaptedModel):
    def _shift(self, module: Module, inputs: Any, states: Tensor) -> Tensor:
        return states + self.strength * self.shifts[self.target]


class PenaltyInEvaluation(AdaptedModel):
    def predict(self, batch: Batch) -> Prediction:
        return replace(super().predict(batch), regulariser=self.shifts[batch.direction.target].sum())


class DrawsInEvaluation(AdaptedModel):
    def predict(self, batch: Batch) -> Prediction:
        torch.rand(1)
        return super().predict(batch)


class StaysWithTheFirst(AdaptedModel):
    def _shift(self, module: Module, inputs: Any, states: Tensor) -> Tensor:
        self.first = getattr(self, "first", self.target)
        return states + self.shifts[self.first]


class NothingIsOwn(AdaptedModel):
    def own_parameters(self, direction: Direction) -> list[Parameter]:
        return []


class SharedAndOwn(AdaptedModel):
    def shared_parameters(self) -> list[Parameter]:
        return TranslationModel.shared_parameters(self)


class OwnInAGroup(AdaptedModel):
    def parameter_groups(self) -> dict[str, list[Parameter]]:
        return super().parameter_groups() | {"own": list(self.shifts.parameters())}


class GroupsLeaveSomeOut(AdaptedModel):
    def parameter_groups(self) -> dict[str, list[Parameter]]:
        return {"embedding": super().parameter_groups()["embedding"]}


class LayersOverlap(AdaptedModel):
    def layers(self) -> Sequence[Module]:
        return [*super().layers(), self]


class ReachesOthers(AdaptedModel):
    def _shift(self, module: Module, inputs: Any, states: Tensor) -> Tensor:
        others = sum(shift.sum() for shift in self.shifts.values())
        return states + (self.strength if self.training else 1.0) * self.shifts[self.target] + 0 * others


class DetachedPenalty(AdaptedModel):
    def predict(self, batch: Batch) -> Prediction:
        said = super().predict(batch)
        return said if said.regulariser is None else replace(said, regulariser=said.regulariser.detach())


class Nameless(AdaptedModel):
    def description(self) -> dict[str, Any]:
        found = super().description()
        del found["architecture"]
        return found


class SavesTwice(AdaptedModel):
    def save(self, folder: Path, tensors: Mapping[str, Tensor] | None = None) -> None:
        super().save(folder, {name: tensor + 1 for name, tensor in (tensors or self.state_dict()).items()})


class StoresTheBase(AdaptedModel):
    @property
    def stored(self) -> Module:
        return self.base

    def save(self, folder: Path, tensors: Mapping[str, Tensor] | None = None) -> None:
        save_tensors(folder, self, None)
        write_description(folder, self.description())


class NotPlain(AdaptedModel):
    def plain(self, direction: Direction) -> TranslationModel:
        return self


class ForgetsTheDirection(AdaptedModel):
    def generator(self, direction: Direction) -> Any:
        self.target = "az"
        return self.base.network


def of(model: type[AdaptedModel]) -> Adapted:
    class Made(Adapted):
        made: ClassVar[type[AdaptedModel]] = model

    return Made(**SIZES)


class CountsOneMore(Adapted):
    def count_parameters(self, vocabulary: int, directions: Sequence[Direction]) -> int:
        return super().count_parameters(vocabulary, directions) + 1


class IgnoresTheSeed(Adapted):
    def build(self, vocabulary: Vocabulary, directions: Sequence[Direction], seed: int) -> TranslationModel:
        return super().build(vocabulary, directions, 1)


class FreezesLater(Adapted):
    def hold_fixed(self, model: TranslationModel) -> TranslationModel:
        return model.requires_grad_(False)


class ByCTranslate2(Adapted):
    decoders: ClassVar[Sequence[str]] = ("ctranslate2", "huggingface")


class ByNobody(Adapted):
    decoders: ClassVar[Sequence[str]] = ("marian",)


@pytest.mark.parametrize(
    ("architecture", "promise"),
    [
        (of(ShortOfTokens), r"logits have the shape \(10, 34\), found \(1, 34\)"),
        (of(LooksAround), "logits do not depend on the batch's rest"),
        (of(FollowsTheStep), "logits in evaluation are the same at every step"),
        (of(PenaltyInEvaluation), "there is no regulariser in evaluation"),
        (of(DrawsInEvaluation), "no random number is drawn in evaluation"),
        (of(StaysWithTheFirst), "a direction's logits do not depend on the one before"),
        (of(NothingIsOwn), r"each is shared or own, found shifts\.az, shifts\.fr"),
        (of(SharedAndOwn), r"no parameter is shared and own, found shifts\.az, shifts\.fr"),
        (of(OwnInAGroup), "groups hold shared parameters only"),
        (of(GroupsLeaveSomeOut), "the groups by layer hold every shared parameter"),
        (of(LayersOverlap), "layers have no parameter in common"),
        (of(ReachesOthers), r"en-az leaves others' own alone, found shifts\.fr"),
        (of(DetachedPenalty), "a regulariser has a graph"),
        (of(Nameless), r"config\.json names the architecture"),
        (of(SavesTwice), "a loaded model has the same logits"),
        (of(StoresTheBase), "`stored` has every parameter"),
        (of(NotPlain), "the plain form is an m2m100 model"),
        (of(ForgetsTheDirection), "greedy search of en-fr is of `predict`"),
        (CountsOneMore(**SIZES), "`count_parameters` gives their number"),
        (IgnoresTheSeed(**SIZES), "another seed gives others"),
        (FreezesLater(**SIZES), "`hold_fixed` leaves the same parameters to train as `build`"),
        (ByCTranslate2(**SIZES), "without a plain form CTranslate2 does not decode"),
        (ByNobody(**SIZES), "`decoders` are among ctranslate2, huggingface"),
    ],
    ids=lambda value: value.made.__name__ + type(value).__name__ if isinstance(value, Adapted) else "",
)  # fmt: skip
def test_a_broken_promise_is_named(architecture: Adapted, promise: str) -> None:
    with pytest.raises(AssertionError, match=f"^broken promise: {promise}"):
        check_architecture(architecture)


def test_a_sound_one_passes() -> None:
    check_architecture(Adapted(**SIZES))
