"""Building the translation model."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration

from catscale.errors import ConfigError
from catscale.model.limits import BYTES, count_parameters
from catscale.model.presets import ModelConfig
from catscale.model.quiet import be_quiet
from catscale.system.memory import available_memory
from catscale.vocabulary.contract import Vocabulary


def build_model(config: ModelConfig, vocabulary: Vocabulary, seed: int) -> M2M100ForConditionalGeneration:
    """A randomly initialised model whose checkpoint is a standard one.

    Weights are drawn with standard deviation `width ** -0.5`, so that scaled embeddings have variance 1.

    Args:
        config: Sizes.
        vocabulary: Gives the number of embeddings and the control tokens.
        seed: Seeds the initial weights.

    Raises:
        ConfigError: If there is no memory for the model.
    """
    sizes = config.sizes()
    check_memory(sizes, vocabulary.size)
    be_quiet()
    torch.manual_seed(seed)
    model = M2M100ForConditionalGeneration(
        M2M100Config(
            vocab_size=vocabulary.size,
            init_std=sizes["d_model"] ** -0.5,
            encoder_layerdrop=0.0,
            decoder_layerdrop=0.0,
            scale_embedding=True,
            pad_token_id=vocabulary.pad_id,
            bos_token_id=vocabulary.bos_id,
            eos_token_id=vocabulary.eos_id,
            decoder_start_token_id=vocabulary.eos_id,
            **sizes,
        )
    )
    if not config.layer_norm_parameters:
        freeze_layer_norms(model)
    return model


def check_memory(sizes: Mapping[str, Any], vocabulary: int, for_each: int = BYTES) -> None:
    """Refuse a model that the memory cannot hold, before any is asked for.

    Args:
        sizes: By the names of `transformers.M2M100Config`.
        vocabulary: Number of embeddings.
        for_each: Bytes needed for a parameter.

    Raises:
        ConfigError: With the number of parameters, the memory needed and that available.
    """
    parameters, available = count_parameters(sizes, vocabulary), available_memory()
    needed = for_each * parameters
    if available is not None and needed > available:
        raise ConfigError(
            f"the model has {parameters:,} parameters, which need {needed / 2**30:,.1f} GiB of memory, and "
            f"{available / 2**30:,.1f} GiB are available; lower model.width, the numbers of layers or vocabulary.size"
        )


def freeze_layer_norms(model: torch.nn.Module) -> None:
    """Hold every layer normalisation's gain at 1 and bias at 0; the checkpoint keeps its form."""
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            torch.nn.init.ones_(module.weight).requires_grad_(False)
            torch.nn.init.zeros_(module.bias).requires_grad_(False)
