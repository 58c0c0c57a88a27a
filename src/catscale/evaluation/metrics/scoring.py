"""BLEU, chrF and TER of a corpus, each with the signature that lets somebody else repeat it."""

from collections.abc import Sequence
from typing import Any

from sacrebleu.metrics import BLEU, CHRF, TER

from catscale.errors import DataError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.metrics.bleu_tokenizers import choose_tokenizer, expected_tokenizer


def score(
    hypotheses: Sequence[str],
    references: Sequence[str],
    target_language: str,
    settings: EvaluationConfig,
    further: Sequence[Sequence[str]] = (),
) -> dict[str, Any]:
    """Score translations with sacreBLEU.

    BLEU: 4-grams, corpus level, exponential smoothing, mixed case, tokenizer by target language. chrF: β = 2,
    6-grams of characters. Both from 0 to 100. TER, where the settings ask for it: edits over the references' length,
    times 100, lower case.

    Args:
        hypotheses: S detokenised translations.
        references: S reference translations.
        target_language: Decides the tokenizer (see `choose_tokenizer`).
        settings: Tokenizer overrides, the word order of chrF, whether TER is wanted.
        further: Lists of S more references; an empty one is none.

    Returns:
        `{"bleu": {"score", "signature"}, "chrf": {"score", "signature"}, "sentences"}`, and "ter" likewise where it is
        wanted.

    Raises:
        DataError: If there is nothing to score, or the numbers of lines differ.
    """
    counts = {len(lines) for lines in (references, *further)}
    if counts != {len(hypotheses)} or not references:
        raise DataError(
            f"translations into {target_language!r} and references must be equally many and at least one, "
            f"found {len(hypotheses)} and {', '.join(map(str, sorted(counts)))}; check the reference file"
        )
    streams = reference_streams(references, further)
    found = {
        "bleu": _apply(make_bleu(choose_tokenizer(target_language, settings)), hypotheses, streams),
        "chrf": _apply(CHRF(word_order=settings.chrf_word_order), hypotheses, streams),
    }
    if settings.ter:
        found["ter"] = _apply(make_ter(target_language), hypotheses, streams)
    return {**found, "sentences": len(references)}


def reference_streams(references: Sequence[str], further: Sequence[Sequence[str]]) -> list[Sequence[str | None]]:
    """The references as sacreBLEU takes them: a list of each, None for a sentence that lacks it."""
    return [list(references), *([line if line.strip() else None for line in lines] for lines in further)]


def make_bleu(tokenizer: str) -> BLEU:
    """BLEU as it is scored everywhere here."""
    return BLEU(tokenize=tokenizer)


def make_ter(target_language: str) -> TER:
    """TER with words; with characters for Chinese, Japanese and Korean, which it separates."""
    by_character = expected_tokenizer(target_language) in ("zh", "ja-mecab", "ko-mecab")
    return TER(normalized=by_character, asian_support=by_character)


def count_edits(
    hypotheses: Sequence[str],
    references: Sequence[str],
    target_language: str,
    further: Sequence[Sequence[str]] = (),
) -> list[tuple[float, float]]:
    """Edits and length of the references (the mean where there are several) of each sentence; their sums give TER."""
    metric = make_ter(target_language)
    found = metric._extract_corpus_statistics(list(hypotheses), reference_streams(references, further))
    return [(float(edits), float(length)) for edits, length in found]


def _apply(
    metric: BLEU | CHRF | TER, hypotheses: Sequence[str], streams: Sequence[Sequence[str | None]]
) -> dict[str, Any]:
    value = metric.corpus_score(list(hypotheses), streams).score
    return {"score": value, "signature": str(metric.get_signature())}
