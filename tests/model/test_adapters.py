"""Settings of adapters."""

import pytest
from pydantic import ValidationError

from catscale.model.adapters import TARGETS, AdapterSettings


def test_the_defaults_are_queries_and_values():
    assert AdapterSettings().targets == ("q_proj", "v_proj")
    assert AdapterSettings.model_validate({"targets": ["fc1"], "method": "dora"}).targets == ("fc1",)


def test_a_layer_that_there_is_not_and_one_named_twice_are_refused():
    with pytest.raises(ValidationError, match="'q_proj', 'k_proj', 'v_proj', 'out_proj', 'fc1' or 'fc2'"):
        AdapterSettings.model_validate({"targets": ["query"]})
    for targets in ([], ["fc1", "fc1"]):
        with pytest.raises(ValidationError, match=f"one layer or more, each once, of {', '.join(TARGETS)}"):
            AdapterSettings.model_validate({"targets": targets})


def test_the_parts_that_hold_an_adapter():
    parts = ("embeddings", "encoder", "decoder", "attention", "feed_forward", "layer_norm")
    assert AdapterSettings().frozen_by(parts) == ["encoder", "decoder", "attention"]
    assert AdapterSettings(targets=("fc2",)).frozen_by(parts) == ["encoder", "decoder", "feed_forward"]
    assert AdapterSettings(targets=("fc2",)).frozen_by(("embeddings", "layer_norm", "attention")) == []


@pytest.mark.parametrize("method", ["lora", "dora"])
def test_parameters_are_counted_by_the_layers(method):
    sizes = {"d_model": 10, "encoder_layers": 2, "decoder_layers": 3, "encoder_ffn_dim": 20, "decoder_ffn_dim": 30}
    settings = AdapterSettings(method=method, rank=4, targets=("k_proj", "fc1"))
    attention, more = 4 * (10 + 10), {"lora": 0, "dora": 1}[method]
    expected = 2 * (attention + 4 * (10 + 20)) + 3 * (2 * attention + 4 * (10 + 30))
    expected += more * (2 * (10 + 20) + 3 * (2 * 10 + 30))
    assert settings.count_parameters(sizes) == expected
