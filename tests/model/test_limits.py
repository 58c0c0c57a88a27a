"""The number of parameters, against transformers and by hand."""

import pytest
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration

from catscale.model.limits import count_parameters
from catscale.model.m2m100 import M2M100
from catscale.model.transformer import PRESETS


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_parameters_are_counted(preset):
    sizes = M2M100(preset=preset).sizes()
    with torch.device("meta"):
        model = M2M100ForConditionalGeneration(M2M100Config(vocab_size=1000, **sizes))
    assert count_parameters(sizes, 1000) == sum(p.numel() for p in model.parameters())


def test_parameters_by_hand():
    """V d, then 4 d (d + 1) an attention, 2 d f + f + d a feed-forward layer, 2 d a normalisation."""
    sizes = {"d_model": 2, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 3, "decoder_ffn_dim": 5}
    encoder = 24 + (12 + 3 + 2) + 2 * 4
    decoder = 2 * 24 + (20 + 5 + 2) + 3 * 4
    assert count_parameters(sizes, 7) == 7 * 2 + encoder + decoder + 2 * 4


def test_a_number_beyond_64_bits_is_exact():
    sizes = dict.fromkeys(("d_model", "encoder_layers", "decoder_layers", "encoder_ffn_dim", "decoder_ffn_dim"), 0)
    assert count_parameters(sizes | {"d_model": 2**40}, 2**30) == 2**70 + 2**42
