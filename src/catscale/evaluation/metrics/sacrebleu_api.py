"""The one place that talks to sacreBLEU, by what it documents: corpus scores, scores of a sentence, signatures.

It is imported when something is scored, since that takes a tenth of a second that other commands need not wait.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from catscale.evaluation.metrics.contract import Segments


def make(kind: str, **settings: Any) -> Any:
    """Make one of sacreBLEU's metrics.

    Args:
        kind: `BLEU`, `CHRF` or `TER`.
        settings: The arguments of the weighting.
    """
    return getattr(import_module("sacrebleu.metrics"), kind)(**settings)


def reference_streams(segments: Segments) -> list[list[str | None]]:
    """Return the references as sacreBLEU takes them: a list of each, None for a sentence that lacks it."""
    further = ([line if line.strip() else None for line in lines] for lines in segments.further)
    return [list(segments.references), *further]


def score_corpus(metric: Any, segments: Segments) -> dict[str, Any]:
    """Return sacreBLEU's own score of a corpus, and its signature.

    Args:
        metric: sacreBLEU's.
        segments: S sentences.
    """
    value = metric.corpus_score(list(segments.hypotheses), reference_streams(segments)).score
    return {"score": float(value), "signature": str(metric.get_signature())}


def sign(metric: Any, segments: Segments) -> str:
    """Return the signature that `score_corpus` gives, without scoring.

    Args:
        metric: sacreBLEU's.
        segments: S sentences.
    """
    counts = {sum(line is not None for line in lines) for lines in zip(*reference_streams(segments), strict=True)}
    metric.num_refs = counts.pop() if len(counts) == 1 else -1  # not as many of every sentence
    return str(metric.get_signature())


def count_sentences(
    metric: Any,
    hypotheses: Sequence[str],
    streams: Sequence[Sequence[str | None]],
    read: Callable[[Any], Sequence[float]],
) -> list[Sequence[float]]:
    """Return the statistics of each sentence, out of sacreBLEU's score of that sentence alone.

    Args:
        metric: sacreBLEU's.
        hypotheses: S translations.
        streams: Lists of S references, as `reference_streams` makes them.
        read: Takes the statistics out of a score.
    """
    rows = zip(hypotheses, zip(*streams, strict=True), strict=True)
    return [read(metric.sentence_score(text, [line for line in known if line is not None])) for text, known in rows]
