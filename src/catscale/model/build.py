"""Building and loading the translation model."""

from pathlib import Path

import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration
from transformers.utils import logging

from catscale.data.vocabulary import Vocabulary
from catscale.errors import CheckpointError, ConfigError
from catscale.model.presets import ModelConfig


def build_model(config: ModelConfig, vocabulary: Vocabulary, seed: int) -> M2M100ForConditionalGeneration:
    """A randomly initialised model whose checkpoint is a standard one.

    Weights are drawn with standard deviation `width ** -0.5`, so that scaled embeddings have variance 1.

    Args:
        config: Sizes.
        vocabulary: Gives the number of embeddings and the control tokens.
        seed: Seeds the initial weights.

    Raises:
        ConfigError: If the width is odd or not divisible by the number of heads.
    """
    sizes = config.sizes()
    if sizes["d_model"] % sizes["encoder_attention_heads"] or sizes["d_model"] % 2:
        raise ConfigError(
            f"model.width must be even and divisible by model.heads, found width {sizes['d_model']} and "
            f"{sizes['encoder_attention_heads']} heads; change one of them"
        )
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


def be_quiet() -> None:
    """Silence transformers' progress bars and advice, which would break our own lines."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def freeze_layer_norms(model: torch.nn.Module) -> None:
    """Hold every layer normalisation's gain at 1 and bias at 0; the checkpoint keeps its form."""
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            torch.nn.init.ones_(module.weight).requires_grad_(False)
            torch.nn.init.zeros_(module.bias).requires_grad_(False)


def load_model(folder: Path) -> M2M100ForConditionalGeneration:
    """The model of a Hugging Face folder, in evaluation mode, float32; nothing in the folder is executed or unpickled.

    Raises:
        CheckpointError: If the folder holds no readable model.
    """
    if not (folder / "model.safetensors").is_file():
        raise CheckpointError(f"no model in {folder}: model.safetensors is missing; train first, or check the path")
    be_quiet()
    try:
        model = M2M100ForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except Exception as error:  # safetensors raises its own classes, transformers any of a dozen
        raise CheckpointError(
            f"the model in {folder} cannot be read ({error}); restore the folder, or train again"
        ) from error
    return model.eval()
