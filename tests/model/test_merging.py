"""Merged weights are those that PEFT itself merges, and a plain model's names."""

from typing import Any

import pytest
import torch

from catscale.model.adapted_model import attach
from catscale.model.adapters import AdapterSettings
from catscale.model.check_material import VOCABULARY
from catscale.model.m2m100 import M2M100
from catscale.model.merging import adapter_state, merge_state

pytest.importorskip("peft", reason="PEFT is not installed")
SIZES = M2M100(preset="tiny", encoder_layers=1, decoder_layers=1, width=16, heads=2, feed_forward=24)


def adapted(new_rows=3, **settings):
    """A model with adapters that have learnt something."""
    plain: Any = SIZES.build(VOCABULARY, (), 1)
    model = attach(plain, AdapterSettings(rank=2, alpha=6, targets=("q_proj", "fc1"), **settings), new_rows, 2)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.shared_parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) / 10)
    return model


@pytest.mark.parametrize("method", ["lora", "dora"])
def test_each_layer_is_what_peft_merges(method):
    model = adapted(method=method)
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    merged = merge_state(model.network.state_dict(), model.scaling)
    layers = {name: layer for name, layer in model.network.named_modules() if hasattr(layer, "lora_A")}
    assert len(layers) == 5
    for name, layer in layers.items():
        assert not torch.equal(merged[f"{name}.weight"], layer.base_layer.weight)
        layer.merge()
        torch.testing.assert_close(merged[f"{name}.weight"], layer.base_layer.weight, rtol=1e-6, atol=1e-7)
        assert torch.equal(merged[f"{name}.bias"], layer.base_layer.bias)
        layer.unmerge()
    assert all(torch.equal(before[name], tensor) for name, tensor in before.items())


def test_the_names_are_a_plain_model_s_and_the_tables_are_one():
    whole: Any = SIZES.build(VOCABULARY, (), 1)
    plain = whole.network.state_dict()
    for new_rows in (0, 3):
        model = adapted(new_rows)
        merged = merge_state(model.network.state_dict(), model.scaling)
        assert {name: tensor.shape for name, tensor in merged.items()} == {n: t.shape for n, t in plain.items()}
        tables = [
            merged[name].data_ptr() for name in merged if "embed_tokens" in name or "shared" in name or "lm_" in name
        ]
        assert len(tables) == 4
        assert len(set(tables)) == 1


def test_adapters_alone_have_peft_s_names():
    model = adapted(method="dora")
    names = adapter_state(model.network.state_dict())
    place = "base_model.model.model.encoder.layers.0.fc1."
    assert {name.removeprefix(place) for name in names if name.startswith(place)} == {
        "lora_A.weight", "lora_B.weight", "lora_magnitude_vector",
    }  # fmt: skip
    assert len(names) == 15
