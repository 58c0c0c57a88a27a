"""Negative log-likelihood of a held-out set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catscale.data.batching import Batch, collate, plan_batches
from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.model.autocast import compute_in
from catscale.model.contract import TranslationModel
from catscale.model.likelihood import batch_losses, sentence_losses
from catscale.model.mode import in_mode
from catscale.vocabulary.contract import Vocabulary


@dataclass(frozen=True)
class SentenceNLL:
    """NLL of the sentences of one direction, in their order; S sentences.

    Attributes:
        nats: (S,) float64, summed over the sentence's target tokens.
        tokens: (S,) int64 target tokens, pieces and `</s>`.
    """

    nats: NDArray[np.float64]
    tokens: NDArray[np.int64]

    @property
    def mean(self) -> float:
        """Nats per target token over all sentences."""
        return float(self.nats.sum() / self.tokens.sum())

    def lines(self) -> str:
        """Return a line per sentence: nats and tokens, with a tab between them."""
        return "".join(f"{n!r}\t{t}\n" for n, t in zip(self.nats.tolist(), self.tokens.tolist(), strict=True))


@torch.no_grad()
def measure_nll(
    model: TranslationModel,
    pairs: Mapping[Direction, Pairs],
    vocabulary: Vocabulary,
    batch_tokens: int = 4096,
    autocast: torch.dtype | None = None,
    losses: Callable[[Batch, float], tuple[Tensor, Tensor]] | None = None,
    part: tuple[int, int] = (0, 1),
    add_up: Callable[[list[float]], list[float]] = list,
) -> dict[str, float]:
    """Measure the mean NLL per direction, in nats per target token (pieces and `</s>`; the language tag is given).

    The model is put in evaluation mode, and back in the mode it was in.

    Args:
        model: On its device.
        pairs: The held-out set of each direction.
        vocabulary: The model's vocabulary.
        batch_tokens: Target positions of a batch.
        autocast: Type of mixed precision, None for the parameters' own.
        losses: The function that gives the losses of a batch; None for the model's own.
        part: (r, n): every n-th batch from the r-th on is this process's.
        add_up: Sums a list of numbers over the processes.
    """
    device = model.device
    losses = partial(batch_losses, model) if losses is None else losses
    totals: list[Tensor] = []
    tokens: list[float] = []
    with in_mode(model, False):
        for direction, split in pairs.items():
            total, count = torch.zeros((), dtype=torch.float64, device=device), 0
            for indices in plan_batches(split.source_lengths, split.target_lengths, batch_tokens)[part[0] :: part[1]]:
                batch = collate(split, indices, vocabulary, direction).to(device)
                with compute_in(autocast, device):
                    _, nll = losses(batch, 0.0)
                total += nll
                count += batch.tokens
            totals.append(total)
            tokens.append(float(count))
    nats = torch.stack(totals).tolist() if totals else []
    sums = add_up([number for both in zip(nats, tokens, strict=True) for number in both])
    return {str(direction): sums[2 * i] / sums[2 * i + 1] for i, direction in enumerate(pairs)}


def measure_sentences(
    model: TranslationModel,
    pairs: Mapping[Direction, Pairs],
    vocabulary: Vocabulary,
    batch_tokens: int = 4096,
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
    autocast: torch.dtype | None = None,
) -> dict[Direction, SentenceNLL]:
    """Measure the NLL of each sentence, at the cost of `measure_nll`, whose result is the mean of these.

    The model is put in evaluation mode, and back in the mode it was in.

    Args:
        model: On its device.
        pairs: The held-out set of each direction.
        vocabulary: The model's vocabulary.
        batch_tokens: Target positions of a batch.
        progress: Told, after each batch, the direction, how many of its sentences are done, and how many it has; a GPU
            may still be at work on them.
        autocast: Type of mixed precision, None for the parameters' own.
    """
    measured = {}
    with in_mode(model, False):
        for direction, split in pairs.items():
            nats, planned, done = np.zeros(len(split.target_lengths)), list[NDArray[np.int64]](), 0
            sums: list[Tensor] = []
            for indices in plan_batches(split.source_lengths, split.target_lengths, batch_tokens):
                batch = collate(split, indices, vocabulary, direction).to(model.device)
                with compute_in(autocast, model.device):
                    sums.append(sentence_losses(model, batch))
                planned.append(indices)
                done += len(indices)
                progress(str(direction), done, len(nats))
            if sums:
                nats[np.concatenate(planned)] = torch.cat(sums).cpu().numpy()  # one read for the direction
            measured[direction] = SentenceNLL(nats, np.asarray(split.target_lengths, dtype=np.int64) + 1)
    return measured
