"""Layers that are computed again in the backward pass: less is kept, and nothing else changes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from catscale.distributed.processes import Processes
from catscale.errors import ConfigError
from catscale.model.autocast import compute_in, keep_casts
from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of
from catscale.model.contract import Architecture, TranslationModel
from catscale.model.likelihood import batch_losses
from catscale.model.m2m100 import M2M100
from catscale.model.m2m100_model import M2M100Model
from catscale.model.pretrained import Pretrained
from catscale.model.table import ARCHITECTURES
from catscale.run.config import parse_config
from tests.model.nllb_folder import working_beside
from tests.run.test_assembly import make as assemble
from tests.unchecked import unchecked

SIZES: dict[str, Any] = {"preset": "tiny", "width": 16, "heads": 2, "feed_forward": 24}
DROPOUTS: dict[str, Any] = {"dropout": 0.3, "attention_dropout": 0.2, "activation_dropout": 0.1}
FOLDER = Path("base")
WAYS: dict[str, Architecture] = {
    "m2m100": M2M100(**SIZES, **DROPOUTS),
    "no norms": M2M100(**SIZES, **DROPOUTS, layer_norm_parameters=False),
    "pretrained": unchecked(Pretrained)(pretrained=FOLDER, **DROPOUTS),
    "frozen": unchecked(Pretrained)(pretrained=FOLDER, freeze=["embeddings", "encoder"], **DROPOUTS),
    "lora": unchecked(Pretrained)(pretrained=FOLDER, adapters={"rank": 2, "dropout": 0.2}, **DROPOUTS),
}
CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def _beside_a_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with working_beside(FOLDER, tmp_path_factory.mktemp("work"), VOCABULARY.size):
        yield


def build(architecture: Architecture, is_twice: bool) -> TranslationModel:
    model = architecture.build(VOCABULARY, DIRECTIONS, 1).train()
    if is_twice:
        model.compute_twice()
    return model


def take(model: TranslationModel, autocast: torch.dtype | None = None) -> tuple[Tensor, list[Tensor]]:
    """Return a loss, and its gradients by the trained parameters."""
    torch.manual_seed(7)
    with keep_casts(CPU):
        with compute_in(autocast, CPU):
            loss, _ = batch_losses(model, batch_of(DIRECTIONS[0]), 0.1)
        return loss.detach(), list(torch.autograd.grad(loss, model.shared_parameters()))


@pytest.mark.parametrize(("name", "autocast"), [*((name, None) for name in WAYS), ("m2m100", torch.bfloat16)])
def test_losses_and_gradients_are_the_same_to_the_bit_with_dropout(name: str, autocast: torch.dtype | None) -> None:
    (one, plain), (two, again) = (take(build(WAYS[name], is_twice), autocast) for is_twice in (False, True))
    assert torch.equal(one, two)
    assert len(plain) == len(again) > 0
    assert all(map(torch.equal, plain, again))
    assert any(bool(gradient.any()) for gradient in plain)


def count_kept(model: TranslationModel) -> int:
    """Return the numbers that a pass keeps for its backward pass, each storage once, parameters aside."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor  # held, so that no other takes its place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss, _ = batch_losses(model, batch_of(DIRECTIONS[0]), 0.1)
    numbers = sum(tensor.untyped_storage().nbytes() // tensor.element_size() for tensor in kept.values())
    torch.autograd.backward(loss)
    return numbers


def test_of_a_layer_its_input_alone_is_kept() -> None:
    """Counted, not timed: what each further pair of layers keeps, an encoder's and a decoder's."""
    batch = batch_of(DIRECTIONS[0])
    inputs = 16 * (batch.input_ids.numel() + batch.decoder_input_ids.numel())

    def grow(is_twice: bool) -> int:
        few, many = (
            count_kept(build(M2M100(**SIZES, **DROPOUTS, encoder_layers=n, decoder_layers=n), is_twice)) for n in (1, 3)
        )
        return (many - few) // 2

    assert grow(True) <= inputs + 8  # and the state of the random numbers is no tensor of the graph
    assert grow(False) > 10 * grow(True)


def test_nothing_else_changes() -> None:
    model, plain = (build(WAYS["m2m100"], is_twice) for is_twice in (True, False))
    assert list(model.state_dict()) == list(plain.state_dict())
    assert list(map(id, model.parameters())) == [id(p) for layer in (model,) for p in layer.parameters()]
    evaluated = [each.eval().predict(batch_of(DIRECTIONS[0])).logits for each in (model, plain)]
    assert torch.equal(*evaluated)
    copies = [each.plain(DIRECTIONS[0]) for each in (model, plain)]
    assert all(copy is not None for copy in copies)


@pytest.mark.parametrize("value", [False, True])
def test_the_setting_reaches_the_layers_of_a_run(value: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assembly = assemble(training={"gradient_checkpointing": value})
    asked: list[TranslationModel] = []
    monkeypatch.setattr(M2M100Model, "compute_twice", lambda model: asked.append(model))
    setup = assembly.build_setup(Path(), Processes(), lambda line: None)
    assert asked == ([setup.model] if value else [])


def model_of(name: str) -> dict[str, Any]:
    return {"architecture": name, **SIZES}


@pytest.mark.parametrize("name", sorted({*ARCHITECTURES} - {"m2m100", "pretrained"}))
def test_models_whose_layers_know_their_batch_are_refused(name: str) -> None:
    content = {"data": {"format": "moses", "path": "x", "source": "en", "targets": "all"}, "model": model_of(name)}
    message = r"x: training\.gradient_checkpointing computes layers again in the backward pass, when a model of this "
    with pytest.raises(ConfigError, match=message):
        parse_config(content | {"training": {"gradient_checkpointing": True}}, "x")
    parse_config(content, "x")
    assert not ARCHITECTURES[name](**SIZES).has_plain_layers


@pytest.mark.parametrize(
    ("extension", "expected"), [({}, True), ({"adapters": {"rank": 2}}, True), ({"routing": {}}, False)]
)
def test_a_pretrained_model_can_be_computed_twice_unless_it_is_extended(extension: Any, expected: bool) -> None:
    assert unchecked(Pretrained)(pretrained=FOLDER, **extension).has_plain_layers is expected


def test_a_model_that_says_nothing_of_it_has_no_such_way() -> None:
    model = ARCHITECTURES["latent_depth"](**SIZES).build(VOCABULARY, DIRECTIONS, 1)
    with pytest.raises(NotImplementedError):
        model.compute_twice()
