"""Tables on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from catscale.comparison.result import GROUPS, Comparison, Row
from catscale.comparison.verdict import signed, state_basis, state_verdict
from catscale.errors import ConfigError
from catscale.evaluation.averages import ZERO_SHOT
from catscale.evaluation.metrics.table import METRICS, in_order, read_score
from catscale.report.heads import choose_heads, list_legend
from catscale.system.console.messages import print_result
from catscale.system.console.terminal import TerminalTable, find_width, show, stacked

PAIRS, BORDER = 15, 3
"""Characters of the column of train pairs, and of the border and the space beside a column."""


def print_scores(scores: Mapping[str, Any], split: str) -> None:
    """Print one run: a line per direction, then the averages."""
    table = TerminalTable(f"{split} set")
    table.add_column("direction")
    sizes: dict[str, int] = scores["evaluation"]["train_pairs"]
    shown = [metric for metric in in_order(METRICS) if any(metric in scores[name] for name in sizes)]
    for name in ("train pairs", *(METRICS[metric].label for metric in shown)):
        table.add_column(name, justify="right")
    for name in sorted(sizes, key=lambda name: (not sizes[name], sizes[name])):  # what was never trained comes last
        cells = [_format_known(read_score(scores[name], metric), metric) for metric in shown]
        table.add_row(name, format_pairs(sizes[name]), *cells)
    table.add_section()
    for group, title in (GROUPS | {ZERO_SHOT: "zero-shot"}).items():
        if average := scores["averages"].get(group):
            table.add_row(title, "", *(_format_known(average.get(metric), metric) for metric in shown))
    show(table)


def print_comparison(comparison: Comparison, metric: str | None = None) -> None:
    """Print methods side by side: directions from the smallest to the largest, then groups; the best value in bold.

    Below the table stand the verdict, how the baseline was chosen, and what makes the runs not quite comparable.

    Args:
        comparison: The compared methods and their rows.
        metric: Its name; None for that of the comparison's verdict.

    Raises:
        ConfigError: If the metric was not measured.
    """
    metric = metric or comparison.metric
    rows = {(row.over, row.method): row for row in comparison.rows if row.metric == metric}
    if not rows:
        raise ConfigError(
            f"there is no {METRICS[metric].label} to compare: {'; '.join(comparison.warnings)}; choose another --metric"
        )
    cells = {place: split_cell(row) for place, row in rows.items()}
    names = [method.name for method in comparison.methods]
    columns = [[lines for (_, name), lines in cells.items() if name == method] for method in names]
    longest = max(len(GROUPS.get(over, over)) for over, _ in rows)
    heads = choose_heads(names)
    for part, joint in divide(heads, columns, find_width() - longest - BORDER - PAIRS):
        show(_make_table(comparison, metric, {name: heads[name] for name in part}, rows, joint))
    for line in (*list_legend(heads), *explain(comparison, metric)):
        print_result(line)


def split_cell(row: Row | None) -> Sequence[str]:
    """Return the cell's parts: the value, and the difference where there is one; a dash where there is no value."""
    return ("–",) if row is None else format_cell(row).split(" (", 1)


def divide(
    heads: Mapping[str, str], columns: Sequence[Sequence[Sequence[str]]], width: int
) -> list[tuple[list[str], str]]:
    """Choose which methods stand in one table: all with cells of one line, else of two lines, else in several tables.

    Args:
        heads: The methods' names, and what heads their columns.
        columns: Each method's cells, each the parts that may stand on lines of their own.
        width: Characters that there are for the methods.

    Returns:
        The methods of each table, and what stands between the parts of a cell.
    """
    own = dict(zip(heads, columns, strict=True))
    one = [_widest(heads[name], [" (".join(cell) for cell in cells]) for name, cells in own.items()]
    if sum(one) <= width:
        return [(list(heads), " ")]
    parts: list[list[str]] = [[]]
    left = width
    for name, cells in own.items():
        size = _widest(heads[name], [f"({part}" for cell in cells for part in cell])
        if parts[-1] and size > left:
            parts.append([])
            left = width
        parts[-1].append(name)
        left -= size
    return [(part, "\n") for part in parts]


def _widest(name: str, texts: Sequence[str]) -> int:
    """Return the characters of a column with its border; a name is broken between words."""
    return max(map(len, [*name.split(" "), *texts])) + BORDER


def _make_table(
    comparison: Comparison, metric: str, heads: Mapping[str, str], rows: Mapping[tuple[str, str], Row], joint: str
) -> TerminalTable:
    """Make a table of some of the methods side by side; bold is the best of all of them."""
    table = TerminalTable(f"{METRICS[metric].label} on the {comparison.split} set")
    table.add_column("direction", no_wrap=True)
    table.add_column(
        stacked(*(["train", "pairs"] if joint == "\n" else ["train pairs"])), justify="right", no_wrap=True
    )
    for head in heads.values():
        table.add_column(head, justify="right")
    pairs = {direction.name: direction.pairs for direction in comparison.directions}
    methods = [method.name for method in comparison.methods]
    for over in dict.fromkeys(over for over, _ in rows):
        if over == "all":
            table.add_section()
        found = [rows.get((over, name)) for name in methods]
        best = find_best([None if row is None else row.mean for row in found], metric)
        cells = []
        for name in heads:
            style = "bold" if best is not None and name == methods[best] else ""
            cells.append(stacked(*join_cell(split_cell(rows.get((over, name))), joint), style=style))
        table.add_row(GROUPS.get(over, over), format_pairs(pairs.get(over)), *cells)
    return table


def join_cell(parts: Sequence[str], joint: str) -> list[str]:
    """Return the lines of a cell.

    Args:
        parts: The value, and the difference where there is one, as `split_cell` returns them.
        joint: The space or line feed between the parts.
    """
    whole = [parts[0], *(f"({part}" for part in parts[1:])]
    return whole if joint == "\n" else [" ".join(whole)]


def find_best(values: Sequence[float | None], metric: str) -> int | None:
    """Return the place of the best value, of the first one where they tie; None if there is nothing to choose between.

    Args:
        values: One per method; None where it was not measured, as NLL of an outside system.
        metric: Says which way is better.
    """
    known = {place: value for place, value in enumerate(values) if value is not None}
    if len(known) < 2:
        return None
    return (max if METRICS[metric].higher_is_better else min)(known, key=lambda place: known[place])


def explain(comparison: Comparison, metric: str = "bleu") -> list[str]:
    """Return the lines below the table of a comparison: how to read it, the baseline, warnings, and the verdict."""
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
    """Return the mean and the difference to the baseline, each with its spread over seeds, marked where it is
    significant."""
    value = f"{format_value(row.mean, row.metric)}{format_spread(row.std, row.metric)}"
    if row.difference is None:
        return value
    difference = (
        f"{signed(row.difference.mean, METRICS[row.metric].digits)}{format_spread(row.difference.seed_std, row.metric)}"
    )
    return f"{value} ({difference}{'*' if row.difference.significant else ''})"


def format_value(value: float, metric: str) -> str:
    """Return a score with its significant digits."""
    return f"{value:.{METRICS[metric].digits}f}"


def _format_known(value: float | None, metric: str) -> str:
    """Return a score with its digits, a dash where there is none."""
    return "–" if value is None else format_value(value, metric)


def format_spread(std: float | None, metric: str) -> str:
    """Return a standard deviation over seeds, nothing if there is one seed."""
    return "" if std is None else f" ±{format_value(std, metric)}"


def format_pairs(pairs: int | None) -> str:
    """Return a number of pairs, nothing for an average."""
    return "" if pairs is None else f"{pairs:,}"
