"""The chosen metrics on one direction, each with the signature that lets somebody else repeat it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from catscale.errors import ConfigError, DataError
from catscale.evaluation.metrics.contract import Floats, Metric, Segments


def score(
    segments: Segments, metrics: Sequence[Metric], counts: Mapping[str, Floats] = MappingProxyType({})
) -> dict[str, Any]:
    """Score translations.

    Args:
        segments: S test sentences and their translations.
        metrics: As they score the target language (see `Metric.choose`).
        counts: Metric → (S, k) statistics of those that were counted already.

    Returns:
        `{"bleu": {"score", "signature"}, …, "sentences"}`, an entry per metric.

    Raises:
        DataError: If there is nothing to score, or the numbers of lines differ.
    """
    sizes = {len(lines) for lines in (segments.references, *segments.further)}
    if sizes != {len(segments.hypotheses)} or not segments.references:
        raise DataError(
            f"translations into {segments.language!r} and references must be equally many and at least one, found "
            f"{len(segments.hypotheses)} and {', '.join(map(str, sorted(sizes)))}; check the reference file"
        )
    found = {metric.name: metric.score(segments, counts.get(metric.name)) for metric in metrics}
    return {**found, "sentences": len(segments.references)}


def choose_all(metrics: Sequence[Metric], language: str, section: Mapping[str, Any]) -> list[Metric]:
    """Return the metrics as they score a target language.

    Args:
        metrics: As the settings name them.
        language: Code of the target language.
        section: The settings of `evaluation`, as `scores.json` records them.

    Raises:
        ConfigError: If one is not at hand.
    """
    return [metric.choose(language, section) for metric in metrics]


def check_at_hand(metrics: Sequence[Metric]) -> None:
    """Check that metrics can be computed, before the work whose outcome they score.

    Raises:
        ConfigError: If one lacks what it needs, such as a model that is not here.
    """
    for metric in metrics:
        if metric.missing:
            raise ConfigError(f"evaluation.metrics: {metric.missing}; or leave {metric.name} out")
