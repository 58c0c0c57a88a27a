from types import SimpleNamespace
from typing import Any

import pytest
import torch

from catscale.errors import ConfigError
from catscale.model.m2m100 import M2M100
from catscale.model.transformer import PRESETS
from tests.unchecked import unchecked


def vocabulary(size: int) -> Any:
    return SimpleNamespace(size=size, bos_id=0, pad_id=1, eos_id=2)


def count(embeddings: int, layers: int, width: int, feed_forward: int) -> int:
    """Parameters, counted by hand."""
    attention = 4 * (width * width + width)
    inner = 2 * width * feed_forward + feed_forward + width
    norm = 2 * width
    encoder = layers * (attention + inner + 2 * norm) + norm
    decoder = layers * (2 * attention + inner + 3 * norm) + norm
    return embeddings * width + encoder + decoder


@pytest.mark.parametrize("name", PRESETS)
def test_sizes(name):
    with torch.device("meta"):
        model = M2M100(preset=name).build(vocabulary(8009), (), 1)
    sizes = PRESETS[name]
    assert sum(p.numel() for p in model.parameters()) == count(
        8009, sizes["layers"], sizes["width"], sizes["feed_forward"]
    )


def test_the_sizes_that_are_promised():
    assert count(8000, 3, 256, 1024) == pytest.approx(7.58e6, rel=0.002)
    # Vaswani et al., base: 44 million beside the embeddings
    assert count(0, 6, 512, 2048) == pytest.approx(44.1e6, rel=0.01)


def test_the_big_preset_has_about_300_million_parameters():
    with torch.device("meta"):
        model = M2M100(preset="big").build(vocabulary(8_009), (), 1)
    assert 290e6 < sum(p.numel() for p in model.parameters()) < 310e6


def test_every_size_can_be_set():
    config = M2M100(
        preset="tiny", encoder_layers=2, decoder_layers=1, width=24, feed_forward=40, heads=3, dropout=0.2,
        attention_dropout=0.3, activation_dropout=0.4, max_positions=77,
    )  # fmt: skip
    found = unchecked(config.build(vocabulary(50), (), 1).network).config
    assert (found.encoder_layers, found.decoder_layers, found.d_model) == (2, 1, 24)
    assert (found.encoder_ffn_dim, found.decoder_ffn_dim) == (40, 40)
    assert (found.encoder_attention_heads, found.decoder_attention_heads) == (3, 3)
    assert (found.dropout, found.attention_dropout, found.activation_dropout) == (0.2, 0.3, 0.4)
    assert (found.encoder_layerdrop, found.decoder_layerdrop) == (0, 0)
    assert found.max_position_embeddings == 77
    assert (found.bos_token_id, found.pad_token_id, found.eos_token_id, found.decoder_start_token_id) == (0, 1, 2, 2)
    assert found.scale_embedding


@pytest.mark.parametrize("changes", [{"width": 33, "heads": 3}, {"width": 32, "heads": 5}, {"width": 6, "heads": 4}])
def test_widths_that_cannot_be(changes):
    with pytest.raises(ConfigError, match=r"model\.width must be even and divisible by model\.heads, found width"):
        M2M100(preset="tiny", **changes)


@pytest.mark.parametrize("changes", [{"width": 0}, {"dropout": 1.0}, {"preset": "huge"}, {"heads": -1}])
def test_settings_out_of_range(changes):
    with pytest.raises(ConfigError):
        M2M100(**changes)


def test_the_seed_decides_the_weights():
    config = M2M100(preset="tiny", width=16, heads=2, feed_forward=16)
    one, same, other = (config.build(vocabulary(50), (), seed).stored.state_dict() for seed in (1, 1, 2))
    assert all(one[name].equal(same[name]) for name in one)
    assert not one["model.shared.weight"].equal(other["model.shared.weight"])
    scaled = one["model.shared.weight"][3:] * 16**0.5
    assert scaled.std().item() == pytest.approx(1, abs=0.1)
