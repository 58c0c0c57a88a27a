"""Negative log-likelihood of a held-out set."""

from collections.abc import Mapping
from typing import Any

import torch

from catscale.data.batching import collate, plan_batches
from catscale.data.direction import Direction
from catscale.data.store import Pairs
from catscale.data.vocabulary import Vocabulary
from catscale.model.likelihood import batch_losses


@torch.no_grad()
def measure_nll(
    model: Any,
    pairs: Mapping[Direction, Pairs],
    vocabulary: Vocabulary,
    batch_tokens: int = 4096,
    autocast: torch.dtype | None = None,
) -> dict[str, float]:
    """Mean NLL a direction, in nats per target token (pieces and `</s>`; the language tag is given).

    The model is put in evaluation mode, and back in the mode it was in.

    Args:
        model: An M2M100-type model.
        pairs: The held-out set of each direction.
        vocabulary: The model's vocabulary.
        batch_tokens: Target positions of a batch.
        autocast: Type of mixed precision, None for the parameters' own.
    """
    was_training, device = model.training, model.device
    model.eval()
    result = {}
    for direction, split in pairs.items():
        total, tokens = 0.0, 0
        for indices in plan_batches(split.source_lengths, split.target_lengths, batch_tokens):
            batch = collate(split, indices, vocabulary, direction).to(device)
            with torch.autocast(device.type, autocast, enabled=autocast is not None):
                _, nll = batch_losses(model, batch, smoothing=0.0)
            total += nll.item()
            tokens += batch.tokens
        result[str(direction)] = total / tokens
    model.train(was_training)
    return result
