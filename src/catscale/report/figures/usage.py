"""The parts of a model that each language uses, where they are not the same for all, and what two have in common."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from catscale.report.figures.figure import Figure, Source
from catscale.report.figures.layout import lay_out_multiples, make_tooltips
from catscale.report.history import RunRecord


@dataclass(frozen=True)
class SharesTable:
    """A table of shares in the records of validations.

    Attributes:
        key: Its key in the record, and the name of the figure.
        title: The title of the figure.
        caption: Its caption.
        row: The kind of thing that a row is of, as in "language".
        column: The kind of thing that a column is of.
    """

    key: str
    title: str
    caption: str
    row: str
    column: str


USAGE = SharesTable(
    "usage",
    "Parts of the model by language",
    "The share in use at the last validation, mean over seeds: of a layer whose use is learnt (latent_depth) the "
    "probability, above one half in use after training; of a block with gates (routed) the share of the tokens of "
    "dev that take the language's own projection.",
    "language",
    "part",
)
OVERLAP = SharesTable(
    "overlap",
    "Similarity of sub-networks",
    "The share of a row's sub-network that the column's uses too, over all masks together, mean over seeds "
    "(subnetworks). Two that have nothing to do with each other, each of which leaves out a share r, have 1 − r in "
    "common.",
    "direction",
    "other",
)


def draw_usage(source: Source) -> Figure | None:
    """Draw which parts each language uses."""
    return _draw(source, USAGE, _say_gates(source))


def draw_overlap(source: Source) -> Figure | None:
    """Draw what the sub-networks of two directions have in common."""
    return _draw(source, OVERLAP)


def _draw(source: Source, table: SharesTable, more: str = "") -> Figure | None:
    """Draw one heat map per method: rows against columns, at the last validation, the mean over seeds.

    Args:
        source: The runs.
        table: The table.
        more: The end of the caption.
    """
    rows = list(_list_rows(source, table))
    if not rows:
        return None
    order = [method for method in source.methods if any(row["method"] == method for row in rows)]
    named = {name: name for name in ("method", table.row, table.column)}
    tooltip = make_tooltips({**named, "mean": ("share", ".2f")})
    legend = {"title": "share", "gradientLength": 140, "orient": "top", "tickCount": 3}
    color = {"field": "mean", "type": "quantitative", "scale": {"scheme": "blues", "domain": [0, 1]}, "legend": legend}
    axis = {"title": None, "type": "nominal"}
    spec = {
        "height": {"step": 17},
        "encoding": {
            "x": {"field": table.column, "sort": list(dict.fromkeys(row[table.column] for row in rows)), **axis},
            "y": {"field": table.row, "sort": sorted({row[table.row] for row in rows}), **axis},
        },
        "layer": [{"mark": {"type": "rect"}, "encoding": {"color": color, "tooltip": tooltip}}],
    }
    figure = lay_out_multiples("method", order, spec, columns=2, minimum=360, independent=(), room=(88, 130))
    alt = f"Heat maps of shares. {_say(rows, table)}."
    return Figure(table.key, "balancing", table.title, table.caption + more, alt, figure, rows)


def _last_records(source: Source) -> Iterator[tuple[str, list[RunRecord]]]:
    """Yield each method, and the record of the last validation of each of its runs."""
    for method in source.methods:
        yield method, [run.valid[-1] for run in source.runs if run.method == method and run.valid]


def _list_rows(source: Source, table: SharesTable) -> Iterator[dict[str, Any]]:
    """Yield a row per method and cell, in the order of the records; none for what something has of itself."""
    for method, records in _last_records(source):
        tables = [shares for record in records if (shares := record.get(table.key))]
        for name, columns in tables[0].items() if tables else ():
            for column in columns:
                found = [value for shares in tables if (value := (shares.get(name) or {}).get(column)) is not None]
                if found and name != column:
                    yield {"method": method, table.row: name, table.column: column, "mean": fmean(found)}


def _say_gates(source: Source) -> str:
    """Say, for each method with gates, which share of all is the languages' own; mean over seeds."""
    said = []
    for method, records in _last_records(source):
        found = [gates for record in records if (gates := record.get("gates"))]
        hard, soft = ([share for gates in found if (share := gates.get(kind)) is not None] for kind in ("hard", "soft"))
        if hard and soft:
            said.append(
                f" Over all gates of {method}: {fmean(hard):.2f} as used, {fmean(soft):.2f} as the budget counts."
            )
    return "".join(said)


def _say(rows: list[dict[str, Any]], table: SharesTable) -> str:
    """Name, for each method, the mean share and the cells of the least and the most."""
    said = []
    for method in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if row["method"] == method]
        low, high = min(mine, key=lambda row: row["mean"]), max(mine, key=lambda row: row["mean"])
        ends = " to ".join(f"{row['mean']:.2f} ({row[table.row]}, {row[table.column]})" for row in (low, high))
        said.append(f"{method}: mean {fmean(row['mean'] for row in mine):.2f}, from {ends}")
    return "; ".join(said)
