"""The loop that one writes for translation without a library, which others are measured beside."""

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from catscale.data.batching import collate, plan_batches
from catscale.data.store.store import Store


def make_plain_step(
    model: Any, store: Store, tokens: int, device: torch.device, autocast: torch.dtype | None
) -> Callable[[], int]:
    """Return a function that takes one step, one pass over one direction, and returns its target tokens.

    Args:
        model: transformers' own.
        store: The prepared data, of which all batches are drawn in a random order, again and again.
        tokens: Target positions of a batch.
        device: Of the model, which is put on it.
        autocast: Type of mixed precision; None for the parameters' own.
    """
    model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.98), fused=True)
    rng = np.random.default_rng(1)
    batches = []
    for direction in store.directions:
        pairs = store.split("train", direction)
        plan = plan_batches(pairs.source_lengths, pairs.target_lengths, tokens, rng)
        batches += [(pairs, indices, direction) for indices in plan]
    order = cycle(rng.permutation(len(batches)).tolist())

    def step() -> int:
        pairs, indices, direction = batches[next(order)]
        batch = collate(pairs, indices, store.vocabulary, direction).to(device)
        with torch.autocast(device.type, autocast, enabled=autocast is not None):
            logits = model(
                input_ids=batch.input_ids,
                attention_mask=batch.attention_mask,
                decoder_input_ids=batch.decoder_input_ids,
                use_cache=False,
            ).logits
            loss = F.cross_entropy(logits.flatten(0, 1).float(), batch.labels.flatten(), label_smoothing=0.1)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return batch.tokens

    return step
