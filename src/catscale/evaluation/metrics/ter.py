"""TER: edits, shifts of phrases among them, that make the hypothesis its reference."""

from typing import Any, ClassVar, Literal

import numpy as np

from catscale.evaluation.metrics.bleu_tokenizers import expected_tokenizer
from catscale.evaluation.metrics.contract import Floats, Metric, Segments
from catscale.evaluation.metrics.sacrebleu_api import count_sentences, make, reference_streams, score_corpus, sign


class Ter(Metric):
    """Compute TER = 100 · edits / length of the references, lower case; the mean length where there are several.

    Words, and characters of Chinese, Japanese and Korean. Source: Snover et al., 2006; sacreBLEU's `TER`. Counting
    takes a second or more for a thousand sentences.
    """

    label: ClassVar[str] = "TER"
    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))
    kept: ClassVar[tuple[str, ...]] = ("edits", "length")

    method: Literal["ter"] = "ter"

    def count(self, segments: Segments) -> Floats:
        """Return edits and length of the references of each sentence."""
        found = count_sentences(
            self._make(segments.language),
            segments.hypotheses,
            reference_streams(segments),
            lambda score: [score.num_edits, score.ref_length],
        )
        return np.array(found, dtype=np.float64)

    def from_sums(self, sums: Floats) -> Floats:
        """Return TER; without length 100 where there is an edit, else 0."""
        edits, length = sums[..., 0], sums[..., 1]
        scores: Floats = 100 * np.where(length > 0, edits / np.where(length > 0, length, 1), edits > 0)
        return scores

    def sign(self, segments: Segments) -> str:
        """Return sacreBLEU's signature."""
        return sign(self._make(segments.language), segments)

    def score(self, segments: Segments, counts: Floats | None = None) -> dict[str, Any]:
        """Score with sacreBLEU itself."""
        return score_corpus(self._make(segments.language), segments)

    def _make(self, language: str) -> Any:
        by_character = expected_tokenizer(language) in ("zh", "ja-mecab", "ko-mecab")
        return make("TER", normalized=by_character, asian_support=by_character)
