"""BLEU and chrF of a corpus, each with the signature that lets somebody else repeat it."""

from collections.abc import Sequence
from typing import Any

from sacrebleu.metrics import BLEU, CHRF

from catscale.errors import DataError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.tokenizers import choose_tokenizer


def score(
    hypotheses: Sequence[str], references: Sequence[str], target_language: str, settings: EvaluationConfig
) -> dict[str, Any]:
    """Score translations against one reference each, with sacreBLEU.

    BLEU: 4-grams, corpus level, exponential smoothing, mixed case, tokenizer by target language. chrF: β = 2,
    6-grams of characters. Both from 0 to 100.

    Args:
        hypotheses: Detokenised translations.
        references: As many reference translations.
        target_language: Decides the tokenizer (see `choose_tokenizer`).
        settings: Tokenizer overrides and the word order of chrF.

    Returns:
        `{"bleu": {"score", "signature"}, "chrf": {"score", "signature"}, "sentences"}`.

    Raises:
        DataError: If there is nothing to score, or the numbers of lines differ.
    """
    if len(hypotheses) != len(references) or not references:
        raise DataError(
            f"translations into {target_language!r} and references must be equally many and at least one, "
            f"found {len(hypotheses)} and {len(references)}; check the reference file"
        )
    bleu = BLEU(tokenize=choose_tokenizer(target_language, settings))
    chrf = CHRF(word_order=settings.chrf_word_order)
    return {
        "bleu": _apply(bleu, hypotheses, references),
        "chrf": _apply(chrf, hypotheses, references),
        "sentences": len(references),
    }


def _apply(metric: BLEU | CHRF, hypotheses: Sequence[str], references: Sequence[str]) -> dict[str, Any]:
    value = metric.corpus_score(list(hypotheses), [list(references)]).score
    return {"score": value, "signature": str(metric.get_signature())}
