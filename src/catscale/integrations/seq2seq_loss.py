"""Decoder inputs and token losses of an encoder-decoder of transformers.

Legend: B sentences, T target positions, V vocabulary.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional

IGNORED = -100  # the label of padding


def add_decoder_inputs(model: Any, batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the batch with its labels, shifted to the right, as decoder inputs, unless it has some or has no labels.

    M2M100 (and NLLB) makes them only where it is given labels, which label smoothing takes away, and it lacks the
    method `prepare_decoder_input_ids_from_labels` by which collators help other models.
    """
    labels = batch.get("labels")
    if labels is None or "decoder_input_ids" in batch or "decoder_inputs_embeds" in batch:
        return dict(batch)
    if hasattr(model, "prepare_decoder_input_ids_from_labels"):
        return {**batch, "decoder_input_ids": model.prepare_decoder_input_ids_from_labels(labels=labels)}
    shifted = functional.pad(labels[:, :-1], (1, 0), value=model.config.decoder_start_token_id)
    return {**batch, "decoder_input_ids": shifted.masked_fill(shifted == IGNORED, model.config.pad_token_id)}


def summed_cross_entropy(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Return the () float32 cross-entropy against (1 − ε) one-hot + ε / V, nats, summed over the labels that are not
    IGNORED.

    Args:
        logits: (B, T, V).
        labels: (B, T) int64.
        smoothing: ε.
    """
    return functional.cross_entropy(
        logits.flatten(0, 1).float(),
        labels.flatten(),
        ignore_index=IGNORED,
        reduction="sum",
        label_smoothing=smoothing,
    )
