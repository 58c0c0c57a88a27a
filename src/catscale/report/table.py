"""Tables on the terminal."""

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from catscale.report.comparison import METRICS, best_of, compare_scores

DIGITS = {"bleu": 1, "chrf": 1, "nll": 3}


def print_scores(scores: Mapping[str, Any], split: str) -> None:
    """One run: a line a direction, then the averages."""
    table = Table(title=f"{split} set", title_justify="left")
    table.add_column("direction")
    for name in ("train pairs", "NLL", "BLEU", "chrF"):
        table.add_column(name, justify="right")
    columns = [compare_scores({"run": scores}, metric) for metric in ("nll", "bleu", "chrf")]
    for part in (0, 1):
        for rows in zip(*(column[part] for column in columns), strict=True):
            cells = [format_value(r.values[0], m) for r, m in zip(rows, ("nll", "bleu", "chrf"), strict=True)]
            table.add_row(rows[0].name, format_pairs(rows[0].pairs), *cells)
        table.add_section()
    _print(table)


def print_comparison(scores: Mapping[str, Mapping[str, Any]], metric: str = "bleu") -> None:
    """Several runs: a line a direction from the smallest to the largest, the best value in bold."""
    table = Table(title=f"{METRICS[metric]} on the test set", title_justify="left")
    table.add_column("direction")
    table.add_column("train pairs", justify="right")
    for name in scores:
        table.add_column(escape(name), justify="right")
    for rows in compare_scores(scores, metric):
        for row in rows:
            best = best_of(row.values, metric)
            cells = [format_value(value, metric) for value in row.values]
            marked = [f"[bold]{cell}[/bold]" if index == best else cell for index, cell in enumerate(cells)]
            table.add_row(row.name, format_pairs(row.pairs), *marked)
        table.add_section()
    _print(table)


def format_value(value: float | None, metric: str) -> str:
    """A score with the digits that mean something, a dash where there is none."""
    return "–" if value is None else f"{value:.{DIGITS[metric]}f}"


def format_pairs(pairs: int | None) -> str:
    """A number of pairs, nothing for an average."""
    return "" if pairs is None else f"{pairs:,}"


def _print(table: Table) -> None:
    """To standard output; in a file or a pipe, as wide as it needs."""
    console = Console(highlight=False)
    Console(highlight=False, width=console.width if sys.stdout.isatty() else 160).print(table)
