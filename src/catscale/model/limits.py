"""The limits of a model's size, and its number of parameters: checked before any memory is requested."""

from collections.abc import Mapping
from typing import Any

LAYERS = 200
WIDTH = 16_384
FEED_FORWARD = 131_072
HEADS = 256
POSITIONS = 65_536
VOCABULARY = 2_000_000
LANGUAGES = 10_000
"""Languages that have parameters of their own."""
BYTES = 4
"""The bytes of a parameter, float32."""
TRAINING_BYTES = 16
"""The bytes of a parameter in training: itself, its gradient, and AdamW's two moments."""


def count_parameters(sizes: Mapping[str, Any], vocabulary: int) -> int:
    """Count the parameters of an M2M100 model, tied embeddings once.

    With width d and feed-forward size f: V d of the embeddings, 4 d (d + 1) an attention, 2 d f + f + d the
    feed-forward layers, 2 d a layer normalisation.

    Args:
        sizes: The sizes by the names of `transformers.M2M100Config`.
        vocabulary: V, number of embeddings.
    """
    width = int(sizes["d_model"])
    attention, norm = 4 * width * (width + 1), 2 * width

    def layer(feed_forward: int, attentions: int) -> int:
        both = 2 * width * feed_forward + feed_forward + width
        return attentions * attention + both + (attentions + 1) * norm

    encoder = sizes["encoder_layers"] * layer(sizes["encoder_ffn_dim"], 1)
    decoder = sizes["decoder_layers"] * layer(sizes["decoder_ffn_dim"], 2)
    return vocabulary * width + int(encoder + decoder) + 2 * norm
