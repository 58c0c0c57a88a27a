"""The counts of the runs' metrics: the metrics that are compared, and their statistics by sentence."""

from collections.abc import Mapping, Sequence

from catscale.comparison.comparable import refusal
from catscale.comparison.evaluated import EvaluatedRun
from catscale.comparison.translations import RunTexts
from catscale.errors import ConfigError
from catscale.evaluation.metrics.contract import Statistics
from catscale.evaluation.metrics.table import METRICS, read_score, read_signature, recall

ROUNDING = 1e-6
"""Differences between a recorded score and that of the texts that are rounding."""


def choose_metrics(
    runs: Sequence[EvaluatedRun], texts: Mapping[str, Sequence[RunTexts]], asked: str | None = None
) -> tuple[list[str], list[str]]:
    """Choose the metrics that are compared: those that all runs have of all directions.

    Args:
        runs: The runs.
        texts: By direction, the texts of the runs, and of other systems behind them.
        asked: Name of the metric that the user asked for.

    Returns:
        Their names, in the order of the table, and a line on each that only some runs have, or that was asked for.

    Raises:
        ConfigError: If there is none.
    """
    names, lines = [], []
    for name, metric in METRICS.items():
        lacking = [run for place, run in enumerate(runs) if not _has(run, place, texts, name)]
        is_counted = not metric.kept or any(name not in text.counts for found in texts.values() for text in found)
        if not lacking and is_counted and (missing := recall(name, runs[0].evaluation).missing):
            lines.append(f"no {metric.label}: {missing}")
        elif not lacking:
            names.append(name)
        elif len(lacking) < len(runs) or name == asked or metric.of_model:
            lines.append(_tell_lacking(name, lacking))
    if not names:
        raise ConfigError(
            "the runs have no metric in common, so that nothing can be compared; evaluate them with the same "
            "evaluation.metrics"
        )
    return names, lines


def _has(run: EvaluatedRun, place: int, texts: Mapping[str, Sequence[RunTexts]], name: str) -> bool:
    """Return whether a run has a metric's scores of all directions, and what the metric keeps by sentence."""
    is_scored = all(read_score(run.scores[direction], name) is not None for direction in texts)
    return is_scored and (not METRICS[name].kept or all(name in found[place].counts for found in texts.values()))


def _tell_lacking(name: str, lacking: Sequence[EvaluatedRun]) -> str:
    """Say which runs lack a metric, and how they get it."""
    label, listed = METRICS[name].label, ", ".join(str(run.folder) for run in lacking)
    if METRICS[name].of_model:
        return f"no {label}: {listed} were evaluated without {label} by sentence; run `catscale evaluate` on them again"
    run = lacking[0]
    scored = [key for key in METRICS if key in run.scores[run.directions[0]] and not METRICS[key].of_model]
    wanted = ",".join([*(key for key in scored if key != name), name])
    return f"no {label}: {listed} were evaluated without it; evaluate with --set 'evaluation.metrics=[{wanted}]'"


def measure_direction(
    run: EvaluatedRun, direction: str, texts: Sequence[RunTexts], names: Sequence[str]
) -> list[Statistics]:
    """Return the metrics' statistics of all systems, as `run` was scored.

    Args:
        run: Says how.
        direction: The direction, as in `en-az`.
        texts: The texts of all systems, with the same sentences.
        names: The names of the metrics.

    Raises:
        ConfigError: If what the run was scored with, such as a tokenizer, is not here.
    """
    segments = [text.segments(direction.partition("-")[2]) for text in texts]
    found = []
    for name in names:
        try:
            signature = read_signature(run.scores[direction], name)
            metric = recall(name, run.evaluation).recall(run.evaluation, direction, signature)
        except ConfigError as error:
            raise ConfigError(f"{run.folder}: {error}") from error
        found.append(metric.measure(segments, [text.counts.get(name) for text in texts]))
    return found


def check_recorded(
    runs: Sequence[EvaluatedRun], direction: str, statistics: Sequence[Statistics], force: bool
) -> list[str]:
    """Check that the texts give the scores that are on record: an evaluation that was cut off leaves others.

    Returns:
        A line on each score that differs.

    Raises:
        ConfigError: If one does, unless `force`.
    """
    lines = []
    for measured in statistics:
        for run, value in zip(runs, measured.corpus_scores().tolist(), strict=False):  # runs come first
            known = read_score(run.scores[direction], measured.metric)
            if known is not None and abs(known - value) > ROUNDING * max(1.0, abs(known)):
                lines.append(
                    f"{measured.metric} of {direction} in {run.folder}: {known:.4f} on record, {value:.4f} from the "
                    "translations as compared; run `catscale evaluate` on it again"
                )
    if lines and not force:
        raise ConfigError(refusal(lines))
    return lines
