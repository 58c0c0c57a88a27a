"""The schema of a saved model's `config.json`, read without PyTorch and transformers.

A folder may come from somebody else. Of the file only the sizes and ids below are taken, so that nothing in it names
code, a kernel, an adapter or another file to load. The architecture that it may name is a row of our own table.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from catscale.errors import CheckpointError
from catscale.model import limits as sizes
from catscale.system.reading.json_file import SMALL, read_json
from catscale.system.reading.schema import FileSchema
from catscale.system.writing.files import write_json

CONFIG = "config.json"
PLAIN = "m2m100"
"""The architecture of a folder that names none, as transformers and earlier versions of catscale write it."""
ROUTED = "routed"
"""The architecture of a folder with gates: of `routed`, and of `pretrained` with routing."""
LANGUAGE_ADAPTERS = "language_adapters"
"""The architecture of a folder with adapters of languages: of `language_adapters`, and of `pretrained` with them."""
DECODERS = ("ctranslate2", "huggingface")
"""Backends of beam search that run a plain model, the preferred one first."""
S = TypeVar("S", bound=FileSchema)
Layers = Annotated[int, Field(ge=1, le=sizes.LAYERS)]
Heads = Annotated[int, Field(ge=1, le=sizes.HEADS)]
FeedForward = Annotated[int, Field(ge=1, le=sizes.FEED_FORWARD)]
Share = Annotated[float, Field(ge=0, lt=1)]
Id = Annotated[int, Field(ge=0, lt=sizes.VOCABULARY)]


class SavedConfig(FileSchema):
    """The part of a model's `config.json` that is read; everything else in it is left alone."""

    model_type: Literal["m2m_100"]
    architectures: list[Literal["M2M100ForConditionalGeneration"]] | None = None
    tie_word_embeddings: Literal[True] = True
    vocab_size: Annotated[int, Field(ge=1, le=sizes.VOCABULARY)]
    d_model: Annotated[int, Field(ge=4, le=sizes.WIDTH)]
    max_position_embeddings: Annotated[int, Field(ge=1, le=sizes.POSITIONS)]
    encoder_layers: Layers
    decoder_layers: Layers
    encoder_attention_heads: Heads
    decoder_attention_heads: Heads
    encoder_ffn_dim: FeedForward
    decoder_ffn_dim: FeedForward
    encoder_layerdrop: Share = 0.0
    decoder_layerdrop: Share = 0.0
    dropout: Share = 0.0
    attention_dropout: Share = 0.0
    activation_dropout: Share = 0.0
    activation_function: Literal["relu", "gelu", "gelu_new", "silu", "swish"] = "relu"
    init_std: Annotated[float, Field(ge=0, le=10)] = 0.02
    scale_embedding: bool = True
    pad_token_id: Id
    bos_token_id: Id
    eos_token_id: Id
    decoder_start_token_id: Id

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        for heads in (self.encoder_attention_heads, self.decoder_attention_heads):
            if self.d_model % heads or self.d_model % 2:
                raise ValueError(f"d_model {self.d_model} must be even and divisible by its {heads} attention heads")
        if max(self.pad_token_id, self.bos_token_id, self.eos_token_id) >= self.vocab_size:
            raise ValueError(f"a control token lies outside of the vocabulary of {self.vocab_size}")
        return self


class _Named(FileSchema):
    """The name of the architecture, whatever else there is."""

    architecture: Annotated[str, Field(max_length=100)] = PLAIN


def read_saved_config(folder: Path, follow: bool = False) -> SavedConfig:
    """Read what is taken of a model's configuration.

    Args:
        folder: The model's.
        follow: Whether `config.json` may be a symbolic link, because a user named the folder.

    Raises:
        CheckpointError: If it is missing, damaged, or of another kind of model.
    """
    return read_description(folder, SavedConfig, follow)


def read_description(folder: Path, schema: type[S], follow: bool = False) -> S:
    """Read what an architecture takes of a model's `config.json`.

    Args:
        folder: The model's.
        schema: The schema of its content.
        follow: Whether `config.json` may be a symbolic link, because a user named the folder.

    Raises:
        CheckpointError: If it is missing, damaged, or of another kind of model.
    """
    advice = "restore the folder, or train again"
    content = read_json(folder / CONFIG, schema, CheckpointError, advice, SMALL, follow)
    return schema.model_validate(content)


def read_architecture(folder: Path) -> str:
    """Read the name of a saved model's architecture.

    Raises:
        CheckpointError: If `config.json` is missing or damaged.
    """
    return read_description(folder, _Named).architecture


def write_description(folder: Path, description: Mapping[str, Any]) -> None:
    """Write a model's `config.json`."""
    write_json(folder / CONFIG, dict(description))
