"""BLEU of words, or of what else the tokenizer of the target language makes of a text.

Legend: R systems, S sentences; c and r are the lengths of hypotheses and references.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from catscale.errors import ConfigError
from catscale.evaluation.metrics.bleu_tokenizers import BleuTokenizer, choose_tokenizer, expected_tokenizer, why_not
from catscale.evaluation.metrics.contract import Floats, Metric, Segments
from catscale.evaluation.metrics.ngrams import Units, count_matches, count_ngrams, lengths_of
from catscale.evaluation.metrics.sacrebleu_api import count_sentences, make, reference_streams, score_corpus, sign

ORDER = 4


class Bleu(Metric):
    """Compute BLEU = 100 · BP · (Π_n p_n)^(1/4), p_n matched over given n-grams, BP = min(1, exp(1 − r/c)).

    4-grams, corpus level, exponential smoothing, mixed case, as sacreBLEU has them. Source: Papineni et al., 2002;
    Post, 2018.

    Attributes:
        tokenizer: sacreBLEU's name of the tokenizer for all target languages that `evaluation.tokenizers` does not
            name; null for the usual one of each language.
    """

    label: ClassVar[str] = "BLEU"
    least: ClassVar[float | None] = 1.0
    """Chance scores nearly as much: on FLORES-101 one reference in the place of all of them has a BLEU of 0.3 to 0.6,
    the references of other sentences 0.1 to 0.2 (`tests/comparison/test_threshold.py`), those of the next sentence of
    the same text 0.7 to 1.2."""

    method: Literal["bleu"] = "bleu"
    tokenizer: BleuTokenizer | None = None

    def choose(self, language: str, section: Mapping[str, Any]) -> Self:
        """Return the metric with the tokenizer of a language."""
        asked = section.get("tokenizers", {}).get(language, self.tokenizer)
        return self.model_copy(update={"tokenizer": choose_tokenizer(language, asked)})

    def warn(self, language: str, section: Mapping[str, Any]) -> list[str]:
        """Warn where the usual tokenizer of a language is not installed and is replaced by `char`."""
        if language in section.get("tokenizers", {}) or self.tokenizer is not None:
            return []
        usual, used = expected_tokenizer(language), choose_tokenizer(language)
        if usual == used:
            return []
        return [
            f"BLEU of {language!r} uses the tokenizer {used}, because {usual} is not installed; "
            f"for scores comparable with others, pip install 'sacrebleu[{usual[:2]}]'"
        ]

    def record(self, chosen: Mapping[str, Self]) -> dict[str, Any]:
        """Record the tokenizer of each direction, which depends on what is installed."""
        return {"bleu_tokenizers": {direction: metric.tokenizer for direction, metric in chosen.items()}}

    def recall(self, evaluation: Mapping[str, Any], direction: str, signature: str = "") -> Self:
        """Return the metric with the tokenizer that was recorded."""
        tokenizer = (evaluation.get("bleu_tokenizers") or {}).get(direction)
        if tokenizer is None:
            return self.choose(direction.partition("-")[2], evaluation["settings"])
        if problem := why_not(tokenizer):
            raise ConfigError(
                f"the BLEU tokenizer {tokenizer!r} of {direction} cannot be loaded here ({problem}); install it, or "
                "run `catscale evaluate` again"
            )
        return self.model_copy(update={"tokenizer": tokenizer})

    def count(self, segments: Segments) -> Floats:
        """Return the lengths, the matches of 1- to 4-grams, and the 1- to 4-grams of each sentence."""
        counts: Floats = count_words([segments], self._split)[0]
        return counts

    def count_all(self, systems: Sequence[Segments]) -> Floats:
        """Count all systems at once."""
        return count_words(systems, self._split)

    def from_sums(self, sums: Floats) -> Floats:
        """Return BLEU from 0 to 100."""
        return bleu_scores(sums)

    def sign(self, segments: Segments) -> str:
        """Return sacreBLEU's signature."""
        return sign(self._make(), segments)

    def score(self, segments: Segments, counts: Floats | None = None) -> dict[str, Any]:
        """Score with sacreBLEU itself."""
        return score_corpus(self._make(), segments)

    def _make(self) -> Any:
        return make("BLEU", tokenize=self.tokenizer or "13a")

    @property
    def _split(self) -> Callable[[str], list[str]]:
        tokenize = self._make().tokenizer
        return lambda text: str(tokenize(text.rstrip())).split()


def count_words(systems: Sequence[Segments], split: Callable[[str], list[str]]) -> Floats:
    """Count what BLEU needs.

    Args:
        systems: R systems on the same S sentences.
        split: Makes words of a text.

    Returns:
        (R, S, 10) c, r, matches of 1- to 4-grams, given 1- to 4-grams.
    """
    if systems[0].further:
        return np.array([_count_by_sentence(segments, split) for segments in systems], dtype=np.float64)
    numbers: dict[str, int] = {}

    def units(text: str) -> Units:
        return np.array([numbers.setdefault(word, len(numbers)) for word in split(text)], dtype=np.int64)

    known = [units(text) for text in systems[0].references]
    found = [[units(text) for text in segments.hypotheses] for segments in systems]
    given: NDArray[np.int64] = lengths_of(found)
    length = np.broadcast_to(lengths_of([known])[..., None], (*given.shape, 1))
    parts = [given[..., None], length, count_matches(found, known, ORDER), count_ngrams(given, ORDER)]
    return np.concatenate(parts, 2).astype(np.float64)


def _count_by_sentence(segments: Segments, split: Callable[[str], list[str]]) -> list[Sequence[float]]:
    """Count sentence by sentence with sacreBLEU, which knows several references."""
    metric = make("BLEU", tokenize="none", effective_order=True, force=True)  # for its counts alone

    def join(text: str) -> str:
        return " ".join(split(text))

    hypotheses = [join(text) for text in segments.hypotheses]
    streams = [[None if text is None else join(text) for text in lines] for lines in reference_streams(segments)]
    return count_sentences(
        metric, hypotheses, streams, lambda found: [found.sys_len, found.ref_len, *found.counts, *found.totals]
    )


def bleu_scores(sums: Floats) -> Floats:
    """Return BLEU from sums, by sacreBLEU's formulas on arrays.

    The j-th order without a match counts as half a match, a quarter, … ("exp" smoothing); 0 where no word matches or
    no n-gram of an order is given. Source: sacreBLEU's `BLEU.compute_bleu`.

    Args:
        sums: (…, 10) c, r, matches of 1- to 4-grams, given 1- to 4-grams.

    Returns:
        (…) from 0 to 100.
    """
    given_length, length = sums[..., 0], sums[..., 1]
    matches, given = sums[..., 2 : 2 + ORDER], sums[..., 2 + ORDER :]
    halvings = np.cumsum(matches == 0, axis=-1)
    smoothed = np.where(matches == 0, 0.5**halvings, matches)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        precisions = np.log(100 * smoothed / given).sum(-1) / ORDER
        penalty = np.where(given_length < length, np.exp(1 - length / given_length), 1.0)
        scores: Floats = penalty * np.exp(precisions)
    return np.where((given > 0).all(-1) & (matches > 0).any(-1) & (given_length > 0), scores, 0.0)
