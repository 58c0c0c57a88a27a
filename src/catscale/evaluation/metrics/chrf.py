"""chrF: how many n-grams of characters, and of words in chrF++, hypothesis and reference share.

Legend: R systems, S sentences.
"""

import string
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from catscale.evaluation.metrics.contract import Floats, Metric, Segments
from catscale.evaluation.metrics.ngrams import Units, count_matches, count_ngrams, lengths_of
from catscale.evaluation.metrics.sacrebleu_api import make, reference_streams, score_corpus, sign

CHARACTERS = 6
BETA = 2
MOST = 10
"""Largest order of word n-grams."""
PUNCTUATION = frozenset(string.punctuation)


class CharacterF(Metric):
    """The family: 100 · (1 + β²) P R / (β² P + R), P and R the mean precision and recall over orders, β = 2.

    6-grams of characters without white space, and n-grams of words up to `words`; orders of which a side has no n-gram
    are left out of the means. Of several references, a sentence has the one that gives it the best score. Source:
    Popović, 2015 and 2017; sacreBLEU's `CHRF`.
    """

    @property
    @abstractmethod
    def words(self) -> int:
        """Largest order of the n-grams of words; 0 for characters alone."""

    def count(self, segments: Segments) -> Floats:
        """Return n-grams of the hypothesis, of the reference, and matches, for each order and sentence."""
        counts: Floats = self.count_all([segments])[0]
        return counts

    def count_all(self, systems: Sequence[Segments]) -> Floats:
        """Count all systems at once."""
        hypotheses = [segments.hypotheses for segments in systems]
        streams = reference_streams(systems[0])
        found = [_count(hypotheses, ["" if line is None else line for line in lines], self.words) for lines in streams]
        return found[0] if len(found) == 1 else _choose_reference(found, streams)

    def from_sums(self, sums: Floats) -> Floats:
        """Return the score from 0 to 100."""
        return chrf_scores(sums)

    def sign(self, segments: Segments) -> str:
        """Return sacreBLEU's signature."""
        return sign(self._make(), segments)

    def score(self, segments: Segments, counts: Floats | None = None) -> dict[str, Any]:
        """Score with sacreBLEU itself."""
        return score_corpus(self._make(), segments)

    def _make(self) -> Any:
        return make("CHRF", word_order=self.words)


class Chrf(CharacterF):
    """chrF, of characters alone unless its settings say otherwise.

    Attributes:
        word_order: Largest order of word n-grams, 2 for what chrF++ is; null for `evaluation.chrf_word_order`.
    """

    label: ClassVar[str] = "chrF"

    method: Literal["chrf"] = "chrf"
    word_order: int | None = Field(None, ge=0, le=MOST)

    @property
    def words(self) -> int:
        """Largest order of the n-grams of words."""
        return self.word_order or 0

    def choose(self, language: str, section: Mapping[str, Any]) -> Self:
        """Return the metric with the order that the settings of `evaluation` give."""
        order = section.get("chrf_word_order", 0) if self.word_order is None else self.word_order
        return self.model_copy(update={"word_order": order})


def _count(hypotheses: Sequence[Sequence[str]], references: Sequence[str], word_order: int) -> Floats:
    """Return (R, S, 3 · orders): for each order, n-grams of the hypothesis, of the reference, and matches."""
    numbers: dict[str, int] = {}

    def characters(text: str) -> Units:
        packed = "".join(text.split())
        return np.frombuffer(packed.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)

    def words(text: str) -> Units:
        return np.array([numbers.setdefault(word, len(numbers)) for word in split_words(text)], dtype=np.int64)

    units: list[tuple[Callable[[str], Units], int]] = [(characters, CHARACTERS), (words, word_order)]
    parts = []
    for split, order in units[: 2 if word_order else 1]:
        known, found = [split(text) for text in references], [[split(text) for text in run] for run in hypotheses]
        ours, theirs = count_ngrams(lengths_of(found), order), count_ngrams(lengths_of([known]), order)
        ours = np.where(theirs > 0, ours, 0)  # sacreBLEU counts no hypothesis where the reference has none
        theirs = np.broadcast_to(theirs, ours.shape)
        triples = np.stack([ours, theirs, count_matches(found, known, order)], 3)  # (R, S, order, 3)
        parts.append(triples.reshape(*triples.shape[:2], 3 * order))
    return np.concatenate(parts, 2).astype(np.float64)


def split_words(text: str) -> list[str]:
    """Split a text into words, and one sign of punctuation off the end of a word, or else off its beginning.

    >>> split_words("(hi) 'no' a.")
    ['(hi', ')', "'no", "'", 'a', '.']
    """
    words = []
    for word in text.split():
        if len(word) > 1 and word[-1] in PUNCTUATION:
            words += [word[:-1], word[-1]]
        elif len(word) > 1 and word[0] in PUNCTUATION:
            words += [word[0], word[1:]]
        else:
            words.append(word)
    return words


def _choose_reference(found: Sequence[Floats], streams: Sequence[Sequence[str | None]]) -> Floats:
    """Return the counts with each sentence's best reference, the first one where they tie; (R, S, 3 · orders)."""
    best, highest = found[0], _sentence_scores(found[0])
    for counts, lines in zip(found[1:], streams[1:], strict=True):
        scores = _sentence_scores(counts)
        better = (scores > highest) & np.array([line is not None for line in lines])
        best, highest = np.where(better[..., None], counts, best), np.where(better, scores, highest)
    return best


def _sentence_scores(counts: Floats) -> Floats:
    """Return (R, S) scores by sacreBLEU's operations in their order, so that ties are its ties."""
    triples = counts.reshape(*counts.shape[:-1], -1, 3)
    precision = recall = np.zeros(counts.shape[:-1])
    orders = np.zeros(counts.shape[:-1])
    for ours, theirs, matches in (triples[..., n, :].transpose(2, 0, 1) for n in range(triples.shape[-2])):
        counted = (ours > 0) & (theirs > 0)
        precision = precision + np.where(counted, matches / np.where(counted, ours, 1), 0)
        recall = recall + np.where(counted, matches / np.where(counted, theirs, 1), 0)
        orders += counted
    precision, recall = precision / np.maximum(orders, 1), recall / np.maximum(orders, 1)
    weighted = BETA**2 * precision + recall
    scores: Floats = 100 * ((1 + BETA**2) * precision * recall / np.where(weighted > 0, weighted, 1))
    return scores


def chrf_scores(sums: Floats) -> Floats:
    """Return chrF from sums, by sacreBLEU's formula on arrays.

    Args:
        sums: (…, 3 · orders) for each order: n-grams of the hypothesis, of the reference, matches.

    Returns:
        (…) from 0 to 100.
    """
    triples = sums.reshape(*sums.shape[:-1], -1, 3)
    ours, theirs, matches = triples[..., 0], triples[..., 1], triples[..., 2]
    counted = (ours > 0) & (theirs > 0)
    orders = np.maximum(counted.sum(-1), 1)
    precision = (np.where(counted, matches, 0) / np.where(counted, ours, 1)).sum(-1) / orders
    recall = (np.where(counted, matches, 0) / np.where(counted, theirs, 1)).sum(-1) / orders
    weighted = BETA**2 * precision + recall
    scores: Floats = 100 * (1 + BETA**2) * precision * recall / np.where(weighted > 0, weighted, 1)
    return scores
