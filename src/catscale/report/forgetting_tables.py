"""The tables of a pre-trained model's scores before training and after, on the terminal and on the page."""

from collections.abc import Mapping
from itertools import groupby

from catscale.comparison.correction import explain_too_few
from catscale.comparison.result import Comparison, Forgetting
from catscale.evaluation.metrics.table import METRICS
from catscale.report.heads import choose_heads
from catscale.report.html_tables import write_cell, write_column, write_row_name, write_score_cell, write_table
from catscale.report.terminal_table import BORDER, divide, format_value, join_cell, split_cell
from catscale.system.console.messages import print_result
from catscale.system.console.safe_text import for_page
from catscale.system.console.terminal import TerminalTable, find_width, show, stacked

AVERAGES = {"old": "average, old", "new": "average, new"}


def list_lines(found: Forgetting) -> list[tuple[str, str]]:
    """List the lines of a table: what a row is over, and its heading."""
    measured = {row.over for row in found.rows}
    old = [(name, name) for name in found.old] + [("old", AVERAGES["old"])]
    new = [(name, f"{name} (new)") for name in found.new] + [("new", AVERAGES["new"])]
    return [line for line in (*old, *new) if line[0] in measured]


def explain_marks(found: Forgetting, resamples: int) -> str:
    """Say what a difference and its mark are, and whether there can be one.

    Args:
        found: The compared scores.
        resamples: The resamples of the bootstrap.
    """
    too_few = explain_too_few(resamples, found.corrected_for)
    return (
        "differences are to the model before training, ± their spread over seeds; marked: these models differ from it "
        "significantly, at 5% by paired bootstrap over sentences alone, after Holm's correction for "
        f"{found.corrected_for}{too_few and f'; {too_few}'}"
    )


def print_forgetting(comparison: Comparison, metric: str) -> None:
    """Print old directions before and after training, their mean and that of new ones; nothing without a base model.

    Args:
        comparison: The compared methods.
        metric: The metric's name.
    """
    found = comparison.forgetting
    if found is None:
        return
    if found.reason:
        print_result(f"before and after training: not compared, for {found.reason}")
    elif any(row.metric == metric for row in found.rows):
        _print_tables(comparison, found, metric)
        print_result(explain_marks(found, comparison.resamples))


def _print_tables(comparison: Comparison, found: Forgetting, metric: str) -> None:
    """Print as many tables as the width asks for."""
    lines, names = list_lines(found), [found.before, *found.methods]
    cells = {name: [split_cell(found.row(metric, over, name)) for over, _ in lines] for name in names}
    room = find_width() - max(len(heading) for _, heading in lines) - BORDER
    heads = choose_heads([method.name for method in comparison.methods]) | {found.before: found.before}
    for part, joint in divide({name: heads[name] for name in names}, [cells[name] for name in names], room):
        table = TerminalTable(f"{METRICS[metric].label} before and after training, {comparison.split} set")
        table.add_column("direction", no_wrap=True)
        for name in part:
            table.add_column(heads[name], justify="right")
        for number, (over, heading) in enumerate(lines):
            if over in AVERAGES:
                table.add_section()
            table.add_row(heading, *(stacked(*join_cell(cells[name][number], joint)) for name in part))
            if over in AVERAGES:
                table.add_section()
        show(table)


def write_forgetting(comparison: Comparison) -> str:
    """Return the page's section on old and new languages; nothing where no run starts from another model."""
    found = comparison.forgetting
    if found is None or not found.rows:
        return ""
    metrics = [name for name in METRICS if any(row.metric == name for row in found.rows)]
    parts = "".join(
        f"<details{' open' if metric == comparison.metric else ''}><summary>{for_page(METRICS[metric].label)}</summary>"
        f"{_write_table(comparison, found, metric)}</details>"
        for metric in metrics
    )
    note = f"Before training is the model that the runs start from; {explain_marks(found, comparison.resamples)}."
    return f'<section><h2>Before and after training</h2>{parts}<p class="note">{for_page(note)}</p></section>'


def _write_table(comparison: Comparison, found: Forgetting, metric: str) -> str:
    places = {method.name: place for place, method in enumerate(comparison.methods) if method.name in found.methods}
    head = [write_column("direction"), write_column(found.before)]
    head += [write_column(name, place) for name, place in places.items()]
    bodies = []
    for _, lines in groupby(list_lines(found), lambda line: line[0] in AVERAGES):  # every second one: averages
        bodies.append([_write_row(found, metric, line, places) for line in lines])
    return write_table(f"{METRICS[metric].label} before and after training", head, bodies)


def _write_row(found: Forgetting, metric: str, line: tuple[str, str], places: Mapping[str, int]) -> str:
    """Return the cells of a line: its heading, the model before training, the methods."""
    over, heading = line
    cells = [_write_cell(found, metric, over, found.before, None)]
    cells += [_write_cell(found, metric, over, name, place) for name, place in places.items()]
    return write_row_name(heading) + "".join(cells)


def _write_cell(found: Forgetting, metric: str, over: str, name: str, place: int | None) -> str:
    row = found.row(metric, over, name)
    if row is None:
        return write_cell("–", place)
    return write_score_cell(format_value(row.mean, metric), row, place)
