"""Overfitting by language at the end of training."""

from collections.abc import Iterator
from typing import Any

from catscale.report.figures.figure import Figure, Missing, Source
from catscale.report.figures.layout import HOVER, lay_out_multiples, make_quantity, make_tooltips
from catscale.report.figures.theme import color_by_method
from catscale.report.history import Run, items
from catscale.report.series import average_seeds

MEASURES = ("validation − train", "validation − its lowest")


def draw_overfitting_gap(source: Source) -> Figure | Missing:
    """Draw validation NLL minus training NLL, and the rise of validation NLL, by direction."""
    title = "Overfitting gap by direction, nats per token"
    rows = average_seeds(row for run in source.runs for row in _gap_rows(source, run))
    if not rows:
        return Missing(
            "learning", title, "no run has a validation and training records; keep the runs' folders in place"
        )
    names = list(source.directions)
    caption = (
        "At the last validation, in nats per token. Left: validation NLL less training NLL of the records around it "
        "(dropout on, so that the gap of a model that does not overfit is a little below 0). Right: validation NLL "
        "less the lowest of the same run, 0 where it never rose. Smallest direction on top; a line spans the seeds. "
        "The paper discusses this gap with its Figures 4b and 5."
    )
    spec = lay_out_multiples(
        "measure", MEASURES, _dots(source, names, rows), columns=2, minimum=300, independent=("x",), room=(76, 80)
    )
    return Figure("gap", "learning", title, caption, _describe(source, rows), spec, rows)


def _dots(source: Source, names: list[str], rows: list[dict[str, Any]]) -> dict[str, Any]:
    color = color_by_method(source.methods, rows)
    y = {"field": "direction", "type": "nominal", "sort": names, "title": None, "axis": {"grid": True}}
    tooltip = make_tooltips(
        {"method": "method", "direction": "direction", "measure": "measure", "mean": ("nats", "+.3f")}
    )
    zero = {"mark": {"type": "rule", "color": "var(--soft-ink)"}, "encoding": {"x": {"datum": 0}}}
    ends = {"x": make_quantity("low", "nats per token"), "x2": {"field": "high"}, "color": color, "y": y}
    spans = {"mark": {"type": "rule"}, "encoding": ends}
    channels = {"x": make_quantity("mean", "nats per token"), "y": y, "color": color}
    dots = {"mark": {"type": "point", "filled": True, "size": 46, "opacity": 0.9}, "encoding": channels}
    hover = {
        "name": HOVER,
        "mark": {"type": "point", "filled": True, "size": 160, "opacity": 0},
        "encoding": channels | {"tooltip": tooltip},
    }
    several = max(row["seeds"] for row in rows) > 1
    return {"height": {"step": 17}, "layer": [zero, *([spans] if several else []), dots, hover]}


def _gap_rows(source: Source, run: Run) -> Iterator[dict[str, Any]]:
    if not run.valid or not run.train:
        return
    last = run.valid[-1]
    nearest = min(run.train, key=lambda record: abs(record["step"] - last["step"]))
    train = dict(items(nearest, "nll"))
    for name, value in items(last, "nll"):
        history = [record["nll"][name] for record in run.valid if record["nll"].get(name) is not None]
        gaps = {MEASURES[1]: value - min(history)}
        if name in train:
            gaps[MEASURES[0]] = value - train[name]
        for measure, gap in gaps.items():
            if name in source.directions:
                head = {"method": run.method, "direction": name, "measure": measure, "step": last["step"]}
                yield head | {"seed": run.seed, "value": gap}


def _describe(source: Source, rows: list[dict[str, Any]]) -> str:
    parts = []
    for method in source.methods:
        mine = [row for row in rows if row["method"] == method and row["measure"] == MEASURES[0]]
        if mine:
            widest = max(mine, key=lambda row: row["mean"])
            mean = sum(row["mean"] for row in mine) / len(mine)
            parts.append(f"{method} {mean:+.2f} on average, at most {widest['mean']:+.2f} ({widest['direction']})")
    return f"Dots by direction and method. Validation less training NLL: {'; '.join(parts)}."
