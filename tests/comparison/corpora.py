"""Synthetic translations whose quality is known: words of the reference, some of them replaced."""

import numpy as np
import sentencepiece

from catscale.evaluation.metrics.contract import Segments, Statistics
from catscale.evaluation.metrics.nll import Nll

WORDS = np.array([f"{a}{b}{c}" for a in "bdfgklm" for b in "aeiou" for c in ("n", "st", "r")])


def references(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(3, 15))) + "." for _ in range(count)]


def translate(texts: list[str], quality: float, seed: int) -> list[str]:
    """Each word kept with a probability that depends on the sentence, `quality` on average."""
    rng = np.random.default_rng(seed)
    lines = []
    for text in texts:
        kept = np.clip(quality + 0.15 * rng.standard_normal(), 0, 1)
        lines.append(" ".join(word if rng.random() < kept else str(rng.choice(WORDS)) for word in text.split()))
    return lines


def train_pieces(path):
    """Train a small SentencePiece model on references."""
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(references(300)), model_writer=file, vocab_size=60, minloglevel=2
        )


def measure(metric, runs, known, more=()):
    """Return a metric's statistics of runs' translations into French."""
    return metric.measure([Segments(run, known, "fr", further=more) for run in runs])


def nll_statistics(sentences):
    """Return NLL's statistics from (S, 2) nats and tokens of each run."""
    return Statistics("nll", np.stack(sentences), Nll().from_sums)
