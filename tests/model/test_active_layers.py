"""Networks of some of the layers, and layers whose output is scaled."""

from typing import Any

import pytest
import torch

from catscale.model.active_layers import list_outputs, reduced, scaled, take_layers
from catscale.model.check_material import DIRECTIONS, VOCABULARY, batch_of
from catscale.model.m2m100 import M2M100
from catscale.model.m2m100_model import M2M100Model

SIZES: dict[str, Any] = {"preset": "tiny", "width": 16, "heads": 2, "feed_forward": 24, "encoder_layers": 3}
BATCH = batch_of(DIRECTIONS[0])


def make() -> M2M100Model:
    return M2M100(**SIZES, decoder_layers=2).build_plain(VOCABULARY, 1).eval()


def test_a_layer_has_two_or_three_outputs() -> None:
    model = make().network.model
    assert [len(list_outputs(side.layers[0])) for side in (model.encoder, model.decoder)] == [2, 3]


def test_layers_and_hooks_are_back_after_the_block_even_after_an_error() -> None:
    model = make()
    side, before = model.network.model.encoder, model.predict(BATCH).logits
    layers, seen = side.layers, 0

    def fail() -> None:
        nonlocal seen
        with reduced(side, [1]), scaled(layers, torch.zeros(3)):
            seen = len(side.layers)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert seen == 1
    assert side.layers is layers
    assert model.predict(BATCH).logits.equal(before)


def test_layers_scaled_by_zero_are_those_left_out() -> None:
    model = make()
    side = model.network.model.encoder
    with scaled(side.layers, torch.tensor([1.0, 0.0, 1.0])):
        found = model.predict(BATCH).logits
    with reduced(side, [0, 2]):
        assert model.predict(BATCH).logits.equal(found)


def test_the_network_of_some_layers_shares_tensors_and_numbers_its_layers_anew() -> None:
    network = make().network
    both = take_layers(network, [0], [0, 1]).model.decoder.layers
    assert [(layer.self_attn.layer_idx, layer.encoder_attn.layer_idx) for layer in both] == [(0, 0), (1, 1)]
    made = take_layers(network, [2], [1])
    assert (made.config.encoder_layers, made.config.decoder_layers, network.config.encoder_layers) == (1, 1, 3)
    (layer,) = made.model.decoder.layers
    assert (layer.self_attn.layer_idx, layer.encoder_attn.layer_idx) == (0, 0)
    assert network.model.decoder.layers[1].self_attn.layer_idx == 1
    assert layer.fc1.weight is network.model.decoder.layers[1].fc1.weight
    assert made.model.encoder.layers[0].fc1.weight is network.model.encoder.layers[2].fc1.weight
