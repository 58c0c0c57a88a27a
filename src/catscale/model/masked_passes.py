"""The pass of a batch through both sides of an m2m100 network, without a number read back from the device.

transformers looks at masks to find out whether anything is padded, which makes the host wait for the device. Here it is
known from the batch: the encoder is given a mask only where a source is padded, and the decoder none, since it looks
back alone and padding comes last.

Legend: B sentences, S source positions, T target positions, W width.
"""

from typing import Any

from torch import Tensor
from torch.nn.functional import dropout

from catscale.data.batching import Batch


def run_network(network: Any, batch: Batch) -> Tensor:
    """Return the (B, T, W) output of the decoder's last layer, normalised.

    Args:
        network: An `M2M100ForConditionalGeneration` whose attention is that of PyTorch ("sdpa") and which drops no
            layers.
        batch: On the network's device.
    """
    padding = batch.attention_mask
    mask = None if padding is None else padding.bool()[:, None, None, :]  # (B, 1, 1, S)
    source = network.model.encoder(input_ids=batch.input_ids, attention_mask=mask).last_hidden_state
    decoder, ids = network.model.decoder, batch.decoder_input_ids
    pieces = decoder.embed_tokens(ids)
    hidden = pieces + decoder.embed_positions(ids, pieces)
    hidden = dropout(hidden, p=decoder.dropout, training=decoder.training)
    for layer in decoder.layers:
        hidden = layer(hidden, None, source, encoder_attention_mask=mask, use_cache=False)
    found: Tensor = decoder.layer_norm(hidden)
    return found
