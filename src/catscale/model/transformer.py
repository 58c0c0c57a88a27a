"""The settings that every Transformer has: its sizes, by a preset or one by one."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from torch.nn import LayerNorm
from torch.nn.init import ones_, zeros_

from catscale.data.direction import Direction
from catscale.model import limits as sizes
from catscale.model.contract import Architecture, TranslationModel

SIDES = ("encoder", "decoder")
PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"layers": 2, "width": 128, "feed_forward": 512, "heads": 4},
    "small": {"layers": 3, "width": 256, "feed_forward": 1024, "heads": 4},
    "ted": {"layers": 6, "width": 512, "feed_forward": 1024, "heads": 4},
    "base": {"layers": 6, "width": 512, "feed_forward": 2048, "heads": 8},
    "big": {"layers": 10, "width": 1024, "feed_forward": 4096, "heads": 16},
}
"""`ted` is the paper's model for TED (Section 4.1), `base` the Transformer base of its other benchmarks, `big` has
about 300 million parameters (its Figure 7)."""


class Transformer(Architecture):
    """Base of the architectures that have the sizes of a Transformer encoder-decoder.

    Sizes left out come from the preset.

    Attributes:
        preset: Name of a set of sizes.
        encoder_layers: Layers of the encoder.
        decoder_layers: Layers of the decoder.
        width: Size of embeddings and hidden states.
        feed_forward: Size of the feed-forward layers.
        heads: Attention heads; must divide `width`.
        dropout: Dropout of embeddings and sub-layer outputs.
        attention_dropout: Dropout of attention weights.
        activation_dropout: Dropout inside feed-forward layers.
        max_positions: Longest sequence, in pieces.
        layer_norm_parameters: False holds gains at 1 and biases at 0 (the paper's −LN, Section 5).
    """

    absent: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "pretrained": "it belongs to the architecture pretrained, whose sizes are the folder's; leave architecture "
            "and the sizes out, or leave pretrained out to train from random parameters"
        }
    )

    preset: Literal["tiny", "small", "ted", "base", "big"] = "small"
    encoder_layers: int | None = Field(default=None, ge=1, le=sizes.LAYERS)
    decoder_layers: int | None = Field(default=None, ge=1, le=sizes.LAYERS)
    width: int | None = Field(default=None, ge=4, le=sizes.WIDTH)
    feed_forward: int | None = Field(default=None, ge=1, le=sizes.FEED_FORWARD)
    heads: int | None = Field(default=None, ge=1, le=sizes.HEADS)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    attention_dropout: float = Field(default=0.0, ge=0, lt=1)
    activation_dropout: float = Field(default=0.0, ge=0, lt=1)
    max_positions: int = Field(default=1024, ge=8, le=sizes.POSITIONS)
    layer_norm_parameters: bool = True

    def count_parameters(self, vocabulary: int, directions: Sequence[Direction]) -> int:
        """Count the parameters as `Architecture.count_parameters`, where all of them are shared."""
        return sizes.count_parameters(self.sizes(), vocabulary)

    def hold_fixed(self, model: TranslationModel) -> TranslationModel:
        """Hold every layer normalisation's gain at 1 and bias at 0, where `layer_norm_parameters` is false."""
        norms = [] if self.layer_norm_parameters else [each for each in model.modules() if isinstance(each, LayerNorm)]
        for norm in norms:
            ones_(norm.weight).requires_grad_(False)
            zeros_(norm.bias).requires_grad_(False)
        return model

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        width, heads = self.sizes()["d_model"], self.sizes()["encoder_attention_heads"]
        if width % heads or width % 2:
            raise ValueError(
                f"model.width must be even and divisible by model.heads, found width {width} and {heads} heads"
            )
        return self

    def sizes(self) -> dict[str, Any]:
        """Return the sizes by the names of `transformers.M2M100Config`."""
        preset = PRESETS[self.preset]
        width = self.width or preset["width"]
        heads = self.heads or preset["heads"]
        feed_forward = self.feed_forward or preset["feed_forward"]
        return {
            "d_model": width,
            "encoder_layers": self.encoder_layers or preset["layers"],
            "decoder_layers": self.decoder_layers or preset["layers"],
            "encoder_attention_heads": heads,
            "decoder_attention_heads": heads,
            "encoder_ffn_dim": feed_forward,
            "decoder_ffn_dim": feed_forward,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "activation_dropout": self.activation_dropout,
            "max_position_embeddings": self.max_positions,
        }
