"""Tables on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from catscale.comparison.result import DIGITS, GROUPS, LOWER_IS_BETTER, METRICS, Comparison, Metric, Row
from catscale.comparison.verdict import signed, state_basis, state_verdict
from catscale.errors import ConfigError
from catscale.evaluation.averages import ZERO_SHOT
from catscale.system.messages import print_result
from catscale.system.terminal import Table, plain, show


def print_scores(scores: Mapping[str, Any], split: str) -> None:
    """One run: a line a direction, then the averages."""
    table = Table(f"{split} set")
    table.add_column("direction")
    sizes: dict[str, int] = scores["evaluation"]["train_pairs"]
    shown = [metric for metric in ("nll", "bleu", "chrf", "ter") if any(metric in scores[name] for name in sizes)]
    for name in ("train pairs", *(METRICS[metric] for metric in shown)):
        table.add_column(name, justify="right")
    for name in sorted(sizes, key=lambda name: (not sizes[name], sizes[name])):  # what was never trained comes last
        entry = scores[name]
        values = {metric: entry[metric]["score"] for metric in shown if metric != "nll"} | {"nll": entry["nll"]}
        table.add_row(name, format_pairs(sizes[name]), *(format_value(values[metric], metric) for metric in shown))
    table.add_section()
    for group, title in (GROUPS | {ZERO_SHOT: "zero-shot"}).items():
        if average := scores["averages"].get(group):
            cells = (format_value(average[metric], metric) for metric in shown)
            table.add_row(title, "", *cells)
    show(table)


def print_comparison(comparison: Comparison, metric: Metric = "bleu") -> None:
    """Methods side by side: directions from the smallest to the largest, then groups; the best value in bold.

    Below the table stand the verdict, how the baseline was chosen, and what makes the runs not quite comparable.

    Raises:
        ConfigError: If the metric was not measured.
    """
    rows = {(row.over, row.method): row for row in comparison.rows if row.metric == metric}
    if not rows:
        raise ConfigError(
            f"there is no {METRICS[metric]} to compare: {'; '.join(comparison.warnings)}; choose another --metric"
        )
    table = Table(f"{METRICS[metric]} on the {comparison.split} set")
    table.add_column("direction")
    table.add_column("train pairs", justify="right")
    for method in comparison.methods:
        table.add_column(method.name, justify="right")
    pairs = {direction.name: direction.pairs for direction in comparison.directions}
    for over in dict.fromkeys(over for over, _ in rows):
        if over == "all":
            table.add_section()
        found = [rows.get((over, method.name)) for method in comparison.methods]
        best = best_of([None if row is None else row.mean for row in found], metric)
        cells = ["–" if row is None else format_cell(row) for row in found]
        marked = [plain(cell, "bold" if index == best else "") for index, cell in enumerate(cells)]
        table.add_row(GROUPS.get(over, over), format_pairs(pairs.get(over)), *marked)
    show(table)
    for line in explain(comparison, metric):
        print_result(line)


def best_of(values: Sequence[float | None], metric: str) -> int | None:
    """Return the place of the best value, of the first one where they tie; None if there is nothing to choose between.

    Args:
        values: One per method; None where it was not measured, as NLL of an outside system.
        metric: Says which way is better.
    """
    known = {place: value for place, value in enumerate(values) if value is not None}
    if len(known) < 2:
        return None
    return (min if metric in LOWER_IS_BETTER else max)(known, key=lambda place: known[place])


def explain(comparison: Comparison, metric: Metric = "bleu") -> list[str]:
    """What stands below the table of a comparison: how to read it, the baseline, warnings, and the verdict."""
    spread, likewise = (" ± std over seeds", " ± its own") if comparison.knows_seeds else ("", "")
    marks = "no difference is marked: one seed decides nothing"
    if comparison.knows_seeds:
        marks = f"* significant at 5% over seeds and sentences, after Holm's correction for {comparison.corrected_for}"
    return [
        f"mean{spread} (difference to {comparison.baseline}{likewise}); {marks}",
        f"baseline: {comparison.baseline}, {comparison.baseline_reason}",
        *(f"warning: {line}" for line in comparison.warnings),
        "",
        state_verdict(comparison, metric),
        *state_basis(comparison, metric),
    ]


def format_cell(row: Row) -> str:
    """The mean and the difference to the baseline, each with its spread over seeds, marked where it is significant."""
    value = f"{format_value(row.mean, row.metric)}{format_spread(row.std, row.metric)}"
    if row.difference is None:
        return value
    difference = (
        f"{signed(row.difference.mean, DIGITS[row.metric])}{format_spread(row.difference.seed_std, row.metric)}"
    )
    return f"{value} ({difference}{'*' if row.difference.significant else ''})"


def format_value(value: float, metric: str) -> str:
    """A score with the digits that mean something."""
    return f"{value:.{DIGITS[metric]}f}"


def format_spread(std: float | None, metric: str) -> str:
    """A standard deviation over seeds, nothing where there is one seed."""
    return "" if std is None else f" ±{format_value(std, metric)}"


def format_pairs(pairs: int | None) -> str:
    """A number of pairs, nothing for an average."""
    return "" if pairs is None else f"{pairs:,}"
