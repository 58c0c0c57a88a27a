"""The page's tables, as HTML: a cell that belongs to a method carries its place, so that it can be hidden."""

from collections.abc import Iterable, Sequence

from catscale.comparison.result import GROUPS, Comparison, Difference, Row
from catscale.comparison.verdict import signed
from catscale.evaluation.metrics.table import METRICS
from catscale.report.data_table import DataTable
from catscale.report.published import Published
from catscale.system.console.safe_text import for_page

FITS = 4
"""Columns that a telephone shows without scrolling."""
LONG = 30
"""Characters up to which a method's name stays on one line."""


def write_table(label: str, head: Sequence[str], bodies: Iterable[Iterable[str]]) -> str:
    """Return a table that scrolls within its own frame, also by keyboard.

    Args:
        label: A description of its content, for a screen reader.
        head: Header cells, ready.
        bodies: Groups of rows, each row its cells, ready.
    """
    parts = "".join(f"<tbody>{''.join(f'<tr>{row}</tr>' for row in body)}</tbody>" for body in bodies)
    name = for_page(label)
    hint = '<p class="hint" aria-hidden="true">The table scrolls sideways →</p>' if len(head) > FITS else ""
    return (
        f'{hint}<div class="scroll" tabindex="0" role="region" aria-label="{name}">'
        f"<table><thead><tr>{''.join(head)}</tr></thead>{parts}</table></div>"
    )


def write_column(text: str, method: int | None = None, long: bool = False) -> str:
    """Return a header cell; `method` is the place of the method whose column it heads, `long` is for long texts."""
    return f'<th scope="col"{_of(method)}{" class=long" if long else ""}>{for_page(text)}</th>'


def write_cell(text: str, method: int | None = None, long: bool = False) -> str:
    """Return a data cell of plain text; a long one is broken into lines."""
    return f"<td{_of(method)}{' class=long' if long else ''}>{for_page(text)}</td>"


def write_row_name(text: str) -> str:
    """Return a row's header cell."""
    return f'<th scope="row">{for_page(text)}</th>'


def write_method_name(text: str, method: int) -> str:
    """Return the header cell of a method's row, which goes away with the method; a long name is broken into lines."""
    return f'<th scope="row"{_of(method)}{" class=name" if len(text) > LONG else ""}>{for_page(text)}</th>'


def _of(method: int | None) -> str:
    return "" if method is None else f' data-method="{method}"'


def write_score_table(comparison: Comparison, metric: str) -> str:
    """Return mean ± std per method, below it the difference to the baseline with its interval and its mark."""
    names = [method.name for method in comparison.methods]
    head = [write_column("direction"), write_column("train pairs")]
    head += [write_column(f"{n} (baseline)" if n == comparison.baseline else n, i) for i, n in enumerate(names)]
    directions = [
        write_row_name(d.name) + write_cell(f"{d.pairs:,}") + _scores(comparison, metric, d.name)
        for d in comparison.directions
    ]
    groups = [
        write_row_name(f"average, {title}") + write_cell("") + _scores(comparison, metric, group)
        for group, title in GROUPS.items()
        if any(comparison.row(metric, group, name) for name in names)
    ]
    return write_table(f"{METRICS[metric].label} by direction and method", head, [directions, groups])


def _scores(comparison: Comparison, metric: str, over: str) -> str:
    cells = []
    for index, method in enumerate(comparison.methods):
        row = comparison.row(metric, over, method.name)
        if row is None:
            cells.append(write_cell("–", index))
            continue
        digits = METRICS[metric].digits
        spread = "" if row.std is None else f" ± {row.std:.{digits}f}"
        cells.append(write_score_cell(f"{row.mean:.{digits}f}{spread}", row, index))
    return "".join(cells)


def write_score_cell(text: str, row: Row, method: int | None = None) -> str:
    """Return a data cell of a score, below it its row's difference where there is one."""
    below = "" if row.difference is None else write_difference(row.difference, row.metric)
    return f"<td{_of(method)}>{text}{below}</td>"


def write_difference(found: Difference, metric: str) -> str:
    """Return a difference, its spread over seeds, its interval, and a mark where it is significant.

    ▲ is better and ▼ worse, whichever sign that has.
    """
    digits = METRICS[metric].digits
    low, high = (signed(end, digits) for end in found.widest)
    spread = "" if found.seed_std is None else f" ± {found.seed_std:.{digits}f}"
    kind, mark = "", ""
    if found.significant:
        kind = "better" if (found.mean > 0) == METRICS[metric].higher_is_better else "worse"
        mark = f' <abbr title="significantly {kind}">{"▲" if kind == "better" else "▼"}</abbr>'
    tip = f"p = {found.p_corrected:.3g} after the correction"
    text = f"{signed(found.mean, digits)}{spread} [{low}, {high}]{mark}"
    return f'<small class="{kind}" title="{tip}">{text}</small>'


def write_data_table(data: DataTable, comparison: Comparison) -> str:
    """Return a table of pairs, shares and what each method draws; totals and entropies below."""
    head = [write_column(text) for text in ("direction", "group", "test sentences", "train pairs", "share")]
    head += [write_column(f"drawn by {method.name}", i) for i, method in enumerate(comparison.methods)]
    rows = [
        write_row_name(row.direction.name)
        + "".join(write_cell(text) for text in (row.direction.group, f"{row.direction.sentences:,}"))
        + "".join(write_cell(text) for text in (f"{row.direction.pairs:,}", f"{row.share:.2%}"))
        + "".join(write_cell("–" if s is None else f"{s:.2%}", i) for i, s in enumerate(row.sampled.values()))
        for row in data.rows
    ]
    return write_table("Training data by direction", head, [rows])


def write_published_table(table: Published, comparison: Comparison) -> str:
    """Return the paper's numbers in its order, and under them ours, averaged over the paper's groups."""
    heads = [f"average, {key}" if key in GROUPS else names[0] for key, names in table.columns.items()]
    theirs = []
    for name, values in table.rows.items():
        marks = values.get("significant", [])
        texts = [f"{values[key]:.1f}{'*' if key in marks else ''}" for key in table.columns]
        theirs.append(write_row_name(f"{name}, paper") + "".join(write_cell(text) for text in texts))
    ours = []
    for index, method in enumerate(comparison.methods):
        cells = (write_cell(_average_bleu(comparison, names, method.name), index) for names in table.columns.values())
        ours.append(write_method_name(f"{method.name}, ours", index) + "".join(cells))
    return write_table(
        f"{table.name}: the paper's BLEU and ours", [write_column(t) for t in ("BLEU", *heads)], [theirs, ours]
    )


def _average_bleu(comparison: Comparison, directions: Sequence[str], method: str) -> str:
    """Return a method's average over directions; a dash where one of them was not measured."""
    rows = [comparison.row("bleu", name, method) for name in directions]
    values = [row.mean for row in rows if row is not None]
    return f"{sum(values) / len(values):.1f}" if values and len(values) == len(rows) else "–"
