"""What each sentence contributes to BLEU, chrF and NLL: statistics whose sums over any sentences give their score.

Legend: R runs, S sentences, k statistics a sentence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics import BLEU, CHRF

from catscale.comparison.corpus_scores import bleu_scores, chrf_scores, nll_scores, ter_scores
from catscale.evaluation.metrics.ngrams import Units, count_matches
from catscale.comparison.result import Metric
from catscale.evaluation.metrics.scoring import reference_streams

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Statistics:
    """One metric's statistics on one direction.

    Attributes:
        metric: Which.
        values: (R, S, k) float64, whole numbers for BLEU and chrF; row s of all runs is of the same sentence.
        score: Corpus scores (…) from sums (…, k) over sentences.
        signature: sacreBLEU's; empty for NLL.
    """

    metric: Metric
    values: Floats
    score: Callable[[Floats], Floats]
    signature: str = ""

    def corpus_scores(self) -> Floats:
        """(R,) scores on all sentences."""
        return self.score(self.values.sum(1))


def bleu_statistics(
    hypotheses: Sequence[Sequence[str]],
    references: Sequence[str],
    tokenizer: str,
    further: Sequence[Sequence[str]] = (),
) -> Statistics:
    """BLEU's: hypothesis length, reference length, matches of 1- to 4-grams, 1- to 4-grams of the hypothesis.

    Args:
        hypotheses: R lists of S translations.
        references: S.
        tokenizer: sacreBLEU's name of it; everything else as `catscale evaluate` sets it.
        further: Lists of S more references.
    """
    metric = BLEU(tokenize=tokenizer)
    if further:
        return _by_sacrebleu("bleu", metric, hypotheses, references, further, bleu_scores)
    numbers: dict[str, int] = {}

    def words(text: str) -> Units:
        tokens = metric._preprocess_segment(text).split()
        return np.array([numbers.setdefault(token, len(numbers)) for token in tokens], dtype=np.int64)

    order = metric.max_ngram_order
    known, found = [words(text) for text in references], [[words(text) for text in run] for run in hypotheses]
    lengths = _lengths(found)
    ours, theirs = lengths[..., None], np.broadcast_to(_lengths([known])[..., None], (*lengths.shape, 1))
    values = np.concatenate([ours, theirs, count_matches(found, known, order), _ngrams(lengths, order)], 2)
    return Statistics("bleu", values.astype(np.float64), bleu_scores, _signature(metric))


def chrf_statistics(
    hypotheses: Sequence[Sequence[str]],
    references: Sequence[str],
    word_order: int,
    further: Sequence[Sequence[str]] = (),
) -> Statistics:
    """chrF's: for each order the n-grams of the hypothesis, of the reference, and those that match.

    Args:
        hypotheses: R lists of S translations.
        references: S.
        word_order: Of chrF++; 0 for characters only.
        further: Lists of S more references; of a sentence, the one counts that gives the best chrF.
    """
    metric = CHRF(word_order=word_order)
    if further:
        return _by_sacrebleu("chrf", metric, hypotheses, references, further, chrf_scores)
    numbers: dict[str, int] = {}

    def characters(text: str) -> Units:
        packed = "".join(metric._preprocess_segment(text).split())
        return np.frombuffer(packed.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)

    def words(text: str) -> Units:
        tokens = metric._remove_punctuation(metric._preprocess_segment(text))
        return np.array([numbers.setdefault(token, len(numbers)) for token in tokens], dtype=np.int64)

    parts = []
    for split, order in ((characters, metric.char_order), (words, word_order))[: 2 if word_order else 1]:
        known, found = [split(text) for text in references], [[split(text) for text in run] for run in hypotheses]
        ours, theirs = _ngrams(_lengths(found), order), _ngrams(_lengths([known]), order)
        ours = np.where(theirs > 0, ours, 0)  # sacreBLEU counts no hypothesis where the reference has none
        theirs = np.broadcast_to(theirs, ours.shape)
        triples = np.stack([ours, theirs, count_matches(found, known, order)], 3)  # (R, S, order, 3)
        parts.append(triples.reshape(*triples.shape[:2], 3 * order))
    return Statistics("chrf", np.concatenate(parts, 2).astype(np.float64), chrf_scores, _signature(metric))


def nll_statistics(sentences: Sequence[Floats]) -> Statistics:
    """NLL's: nats and target tokens.

    Args:
        sentences: R arrays (S, 2).
    """
    return Statistics("nll", np.stack(sentences), nll_scores)


def ter_statistics(sentences: Sequence[Floats], signature: str) -> Statistics:
    """TER's: edits and length of the references.

    Args:
        sentences: R arrays (S, 2).
        signature: As it was recorded.
    """
    return Statistics("ter", np.stack(sentences), ter_scores, signature)


def _by_sacrebleu(
    name: Metric,
    metric: BLEU | CHRF,
    hypotheses: Sequence[Sequence[str]],
    references: Sequence[str],
    further: Sequence[Sequence[str]],
    score: Callable[[Floats], Floats],
) -> Statistics:
    """The statistics of several references, which sacreBLEU counts sentence by sentence."""
    streams = reference_streams(references, further)
    values = np.array([metric._extract_corpus_statistics(list(run), streams) for run in hypotheses], dtype=np.float64)
    return Statistics(name, values, score, str(metric.get_signature()))


def _lengths(systems: Sequence[Sequence[Units]]) -> NDArray[np.int64]:
    """(R, S) units of each sentence."""
    return np.array([[len(units) for units in system] for system in systems], dtype=np.int64)


def _ngrams(lengths: NDArray[np.int64], order: int) -> NDArray[np.int64]:
    """(R, S, order) n-grams that a sentence of so many units has."""
    counts: NDArray[np.int64] = np.maximum(lengths[..., None] - np.arange(order), 0)
    return counts


def _signature(metric: BLEU | CHRF) -> str:
    metric.num_refs = 1
    return str(metric.get_signature())
