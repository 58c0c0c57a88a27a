"""The method that the others are compared with: by default the best temperature, chosen without the test set."""

from collections.abc import Mapping, Sequence

from catscale.comparison.evaluated import EvaluatedRun
from catscale.comparison.result import ComparedMethod
from catscale.errors import ConfigError
from catscale.evaluation.metrics.table import MAIN, METRICS


def choose_baseline(
    methods: Sequence[ComparedMethod], runs: Sequence[Sequence[EvaluatedRun]], asked: str | None = None
) -> tuple[str, str]:
    """Name the baseline, and say how it was chosen.

    Among runs of plain temperature sampling it is the one with the highest mean BLEU over directions on the dev set,
    where all of them have `scores.dev.json` and one of them translates; else the one with the lowest validation NLL,
    which is of the dev set too.

    Args:
        methods: All methods.
        runs: The runs of each.
        asked: Name that the user gave.

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
    return _best({names[i]: runs[i] for i in plain}, "temperatures" if are_distinct else "with a plain temperature")


def _best(runs: Mapping[str, Sequence[EvaluatedRun]], kind: str) -> tuple[str, str]:
    metric = METRICS[MAIN]
    main = {name: _mean([_dev_score(run) for run in group]) for name, group in runs.items()}
    nll = {name: _mean([min(run.validation, default=None) for run in group]) for name, group in runs.items()}
    on_dev = f"mean {metric.label} on the dev set"
    for values, best, what in ((main, max, on_dev), (nll, min, "validation NLL")):
        known = {name: value for name, value in values.items() if value is not None}
        if values is main and known and max(known.values()) < (metric.least or 0):
            continue  # so little is chance
        if len(known) == len(runs):
            listed = ", ".join(f"{name} {value:.{2 if values is main else 3}f}" for name, value in known.items())
            return best(known, key=lambda name: known[name]), f"best of {len(known)} {kind} by {what}: {listed}"
    raise ConfigError(
        f"cannot choose the best of {', '.join(runs)} without the test set: found neither scores.dev.json nor "
        "validations in metrics.jsonl in every run; run `catscale evaluate RUN --split dev`, or give --baseline"
    )


def _dev_score(run: EvaluatedRun) -> float | None:
    average = None if run.dev_scores is None else run.dev_scores["averages"]["all"]
    return None if average is None else average.get(MAIN)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
