"""The table of the training: size, steps, tokens, time and speed of each method, and the page's first line."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from catscale.comparison.result import Comparison
from catscale.report.history import Run
from catscale.report.html_tables import write_cell, write_column, write_method_name, write_table
from catscale.training.checkpointing.best_step import read_average, read_step

NONE = "–"


@dataclass(frozen=True)
class Training:
    """One method's trainings, a value a run where runs may differ.

    Attributes:
        method: Its name.
        parameters: The parameters of the first run's model; None where it cannot be read.
        steps: Taken.
        best: Step of the model that was scored, where the run's folder tells.
        averages: The averages among the models that were scored, in words, each once.
        tokens: Target tokens trained on.
        seconds: The seconds of training, validation included.
        speeds: Target tokens per second while training.
        devices: Names.
        given_up: Directions that the weights had left and that got worse, each with the first step that found it so.
        seen_most: Directions whose training pairs a run went through most often, each with its epochs in words.
    """

    method: str
    parameters: int | None
    steps: list[int]
    best: list[int]
    averages: list[str]
    tokens: list[float]
    seconds: list[float]
    speeds: list[float]
    devices: list[str]
    given_up: list[str]
    seen_most: list[str]


def summarise_training(comparison: Comparison, runs: Sequence[Run]) -> list[Training]:
    """Return each method's trainings, in the order of the comparison, from the records of its runs."""
    return [
        _summarise(method.name, [run for run in runs if run.method == method.name]) for method in comparison.methods
    ]


def _summarise(method: str, runs: Sequence[Run]) -> Training:
    records = [[*run.train, *run.valid] for run in runs]
    lasts = [max((int(record["step"]) for record in of_run), default=0) for of_run in records]
    best = [read_step(run.folder / "best") for run in runs]
    return Training(
        method,
        next((size for run in runs if (size := count_parameters(run.folder / "best"))), None),
        [step for step in lasts if step],
        [step for step in best if step is not None],
        sorted({average for run in runs if (average := read_average(run.folder / "best"))}),
        _numbers(max((_number(r.get("tokens")) or 0.0 for r in of_run), default=0.0) or None for of_run in records),
        _numbers(max((_number(r.get("time")) or 0.0 for r in of_run), default=0.0) or None for of_run in records),
        _numbers(_middle(run.train, "tokens_per_second") for run in runs),
        sorted({str(run.environment["device"]) for run in runs if run.environment.get("device")}),
        _list_given_up(runs),
        _list_seen_most(runs),
    )


def _list_given_up(runs: Sequence[Run]) -> list[str]:
    """Return the directions that runs gave up, in words, with the first step at which one of them did."""
    first: dict[str, int] = {}
    for step, task in sorted((r["step"], task) for run in runs for r in run.valid for task in r.get("given_up") or ()):
        first.setdefault(task, step)
    return [f"{task}, step {step:,}" for task, step in first.items()]


def _list_seen_most(runs: Sequence[Run]) -> list[str]:
    """Return the direction that each run has gone through most often, in words, with its epochs in all such runs."""
    found: dict[str, list[float]] = {}
    for run in runs:
        if epochs := next((record["epochs"] for record in reversed(run.valid) if record.get("epochs")), None):
            task = max(epochs, key=lambda name: float(epochs[name]))
            found.setdefault(task, []).append(round(epochs[task]))
    return [f"{task}, {span(values)} epochs" for task, values in sorted(found.items())]


def count_parameters(model: Path) -> int | None:
    """Return the number of parameters in a model's folder, from the header of its weights; None where it has none."""
    try:
        with safe_open(model / "model.safetensors", framework="numpy") as weights:
            names = weights.keys()  # of an object that is no mapping
            shapes: list[list[int]] = [weights.get_slice(name).get_shape() for name in names]
        return sum(map(math.prod, shapes))
    except (OSError, SafetensorError):  # a page does without
        return None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _numbers(values: Iterable[Any]) -> list[float]:
    return [number for value in values if (number := _number(value)) is not None]


def _middle(records: Sequence[dict[str, Any]], key: str) -> float | None:
    """Return the median of a number in records."""
    found = sorted(_numbers(record.get(key) for record in records))
    return found[len(found) // 2] if found else None


def list_facts(comparison: Comparison, trainings: Sequence[Training], runs: Sequence[Run]) -> list[tuple[str, str]]:
    """Return what a reader wants to know first: size, steps, tokens, date, and what was compared, as name and value."""
    seeds = span([len(method.seeds) for method in comparison.methods])
    sentences = span([direction.sentences for direction in comparison.directions])
    count = len(comparison.directions)
    facts = [
        ("Model", f"{span([t.parameters for t in trainings if t.parameters])} parameters"),
        ("Steps", span([step for t in trainings for step in t.steps])),
        ("Target tokens", span([round(tokens) for t in trainings for tokens in t.tokens], digits=2)),
        ("Date", say_date(runs)),
        ("Methods", f"{len(comparison.methods)} × {seeds} seed{'s' * (seeds != '1')}"),
        ("Data", f"{count} direction{'s' * (count > 1)}, {comparison.split} set, {sentences} sentences each"),
    ]
    return [(name, value) for name, value in facts if not value.startswith(NONE)]


def say_date(runs: Sequence[Run]) -> str:
    """Return the day on which the page is made, and those on which the runs wrote their last record, if others."""
    today = date.today().isoformat()
    files = [path for run in runs if (path := run.folder / "metrics.jsonl").is_file()]
    days = sorted({datetime.fromtimestamp(path.stat().st_mtime).date().isoformat() for path in files})
    if not days or days == [today]:
        return today
    return f"{today}; trained until {days[0]}{f' to {days[-1]}' if len(days) > 1 else ''}"


def span(values: Sequence[float], digits: int | None = None) -> str:
    """Return a number, or the lowest and the highest of several.

    Args:
        values: Whole numbers.
        digits: Significant ones; None for all.

    Example:
        >>> span([1200, 1200]), span([900, 1200]), span([332_870, 333_120], digits=2), span([])
        ('1,200', '900 to 1,200', '330,000', '–')
    """
    if not values:
        return NONE
    ends = [value if digits is None else float(f"{value:.{digits}g}") for value in (min(values), max(values))]
    return " to ".join(dict.fromkeys(f"{end:,.0f}" for end in ends))


def format_time(seconds: float) -> str:
    """Return a time in hours, minutes or seconds.

    Example:
        >>> format_time(42.4), format_time(600), format_time(9000)
        ('42 s', '10 min', '2 h 30 min')
    """
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def make_training_table(trainings: Sequence[Training]) -> str:
    """Return the table of size, steps, tokens, time and speed by method, as HTML."""
    head = ["method", "parameters", "steps", "scored at step", "target tokens", "time", "tokens / s", "device"]
    has_given_up = any(training.given_up for training in trainings)
    has_seen_most = any(training.seen_most for training in trainings)
    head += ["given up"] * has_given_up + ["seen most"] * has_seen_most
    rows = []
    for place, training in enumerate(trainings):
        texts = [
            NONE if training.parameters is None else f"{training.parameters:,}",
            span(training.steps),
            span(training.best) + "".join(f" ({average})" for average in training.averages),
            span(training.tokens, digits=3),
            _span_times(training.seconds),
            span(training.speeds, digits=3),
            ", ".join(training.devices) or NONE,
        ]
        texts += ["; ".join(training.given_up) or NONE] * has_given_up
        texts += ["; ".join(training.seen_most) or NONE] * has_seen_most
        rows.append(write_method_name(training.method, place) + "".join(write_cell(text, place) for text in texts))
    return write_table("Training by method", [write_column(text) for text in head], [rows])


def _span_times(seconds: Sequence[float]) -> str:
    return " to ".join(dict.fromkeys(map(format_time, (min(seconds), max(seconds))))) if seconds else NONE
