"""The method that the others are compared with: by default the best temperature, chosen without the test set."""

from collections.abc import Mapping, Sequence

from catscale.comparison.evaluated import EvaluatedRun
from catscale.comparison.result import ComparedMethod
from catscale.errors import ConfigError
from catscale.evaluation.metrics.table import MAIN, METRICS


def choose_baseline(
    methods: Sequence[ComparedMethod],
    runs: Sequence[Sequence[EvaluatedRun]],
    asked: str | None = None,
    metric: str | None = None,
) -> tuple[str, str]:
    """Name the baseline, and say how it was chosen.

    Among runs of plain temperature sampling it is the one with the best mean over directions on the dev set of the
    metric that the comparison is about, where all of them have it in `scores.dev.json` and one of them translates; else
    the one with the lowest validation NLL, which is of the dev set too.

    Args:
        methods: All methods.
        runs: The runs of each.
        asked: Name that the user gave.
        metric: Name of the metric; None for BLEU.

    Returns:
        Its name, and the reason in words.

    Raises:
        ConfigError: If there is no method of that name, or nothing to choose by.
    """
    names = [method.name for method in methods]
    if asked is not None:
        if asked not in names:
            raise ConfigError(
                f"there is no method {asked!r} to compare with; the runs given are of {', '.join(names)}; "
                "give one of these names to --baseline"
            )
        return asked, "named with --baseline"
    plain = [i for i, method in enumerate(methods) if method.temperature is not None]
    if not plain:
        return names[0], "the first one given: no run is plain temperature sampling"
    if len(plain) == 1:
        return names[plain[0]], "the only plain temperature among the runs"
    are_distinct = len({methods[i].temperature for i in plain}) == len(plain)
    kind = "temperatures" if are_distinct else "with a plain temperature"
    return _best({names[i]: runs[i] for i in plain}, kind, metric or MAIN)


def _best(runs: Mapping[str, Sequence[EvaluatedRun]], kind: str, name: str) -> tuple[str, str]:
    metric = METRICS[name]
    scores = {method: _mean([_dev_score(run, name) for run in group]) for method, group in runs.items()}
    nll = {method: _mean([min(run.validation, default=None) for run in group]) for method, group in runs.items()}
    on_dev, best = f"mean {metric.label} on the dev set", max if metric.higher_is_better else min
    for values, find, what, digits in ((scores, best, on_dev, max(2, metric.digits)), (nll, min, "validation NLL", 3)):
        known = {method: value for method, value in values.items() if value is not None}
        if values is scores and known and metric.least is not None and max(known.values()) < metric.least:
            continue  # so little is chance
        if len(known) == len(runs):
            listed = ", ".join(f"{method} {value:.{digits}f}" for method, value in known.items())
            return find(known, key=lambda method: known[method]), f"best of {len(known)} {kind} by {what}: {listed}"
    raise ConfigError(
        f"cannot choose the best of {', '.join(runs)} without the test set: found neither scores.dev.json nor "
        "validations in metrics.jsonl in every run; run `catscale evaluate RUN --split dev`, or give --baseline"
    )


def _dev_score(run: EvaluatedRun, metric: str) -> float | None:
    average = None if run.dev_scores is None else run.dev_scores["averages"]["all"]
    return None if average is None else average.get(metric)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
