"""The figures of what the methods set: task weights α, sampling probabilities, the combined gradient's size."""

from collections.abc import Iterator
from typing import Any

from catscale.report.figures.by_direction import draw_by_direction
from catscale.report.figures.figure import Figure, Missing, Source, label_direction
from catscale.report.figures.layout import (
    lay_out_plot,
    make_curve_layers,
    make_quantity,
    make_steps_axis,
    make_tooltips,
)
from catscale.report.figures.theme import color_by_method
from catscale.report.history import Run, items
from catscale.report.series import average_seeds, thin

RELATIVE = ", relative to equal shares"
"""The unit of shares, in the alternative text."""


def draw_task_weights(source: Source) -> Figure | Missing:
    """Draw α of each direction over the steps."""
    title = "Task weights α over time, relative to equal weights"
    rows = [row for run in source.runs for row in _share_rows(source, run, "balance", "weights")]
    if not rows:
        reason = (
            "no run has balance records: plain temperature sampling keeps equal weights, `balancing: {method: cats}` "
            "learns them"
        )
        return Missing("balancing", title, reason)
    caption = (
        "Each direction's share of Σα, times the number of directions: 1 is an equal weight, 2 twice that. Methods "
        "with fixed weights have no curve."
    )
    return draw_by_direction(
        source, "weights", title, caption, average_seeds(rows), "weight relative to equal", RELATIVE
    )


def draw_sampling_shares(source: Source) -> Figure | Missing:
    """Draw learnt sampling probabilities over the steps."""
    title = "Learnt sampling probabilities, relative to uniform"
    rows = [row for run in source.runs for row in _share_rows(source, run, "sample", "probabilities")]
    if not rows:
        reason = (
            "no run learns its sampling; `sampling: {method: cats_sampling}` does, and multidds. Fixed shares are in "
            "the table of data"
        )
        return Missing("balancing", title, reason)
    caption = "Probability of each direction times the number of directions: 1 is uniform sampling."
    what = "probability relative to uniform"
    return draw_by_direction(source, "sampling", title, caption, average_seeds(rows), what, RELATIVE)


def _share_rows(source: Source, run: Run, kind: str, key: str) -> Iterator[dict[str, Any]]:
    records = run.balance if kind == "balance" else run.sample
    for record in thin(records, source.points(60)):
        weights = dict(items(record, key))
        total = sum(weights.values())
        for name, weight in weights.items():
            if (direction := source.directions.get(name)) and total > 0:
                head = {"method": run.method, "direction": name, "label": label_direction(direction)}
                yield head | {"step": record["step"], "seed": run.seed, "value": weight / total * len(weights)}


def draw_combined_gradient(source: Source) -> Figure | Missing:
    """Draw ‖Σ α g‖² over the steps: the curvature that CATS bounds."""
    title = "Squared norm of the combined gradient"
    rows = average_seeds(
        {"method": run.method, "step": record["step"], "seed": run.seed, "value": record["curvature"]}
        for run in source.runs
        for record in thin(run.balance, 120)
        if (record.get("curvature") or 0) > 0
    )
    if not rows:
        return Missing(
            "balancing", title, "no run has balance records with gradients; a method that measures them writes these"
        )
    tooltip = make_tooltips({"method": "method", "step": ("step", ","), "mean": ("‖Σ α g‖²", ".3g")})
    seeds = max(row["seeds"] for row in rows)
    layers = make_curve_layers(color_by_method(source.methods, rows), tooltip, None, seeds, "‖Σ α g‖²")
    y = {"y": make_quantity("mean", "‖Σ α g‖²", type="log")}
    for layer in layers:
        layer["encoding"]["y"] = layer["encoding"]["y"] | {"scale": {"type": "log", "nice": False}}
    spec = lay_out_plot({"height": 220, "encoding": {"x": make_steps_axis(), **y}, "layer": layers})
    caption = (
        "‖Σ α g‖² = tr(F) of the weighted loss, the stand-in for curvature that CATS minimises (Eq. 3), in the steps "
        "that measured gradients; logarithmic. Methods scale α differently: compare shapes, not heights."
    )
    ends = [f"{m} {mine[-1]['mean']:.3g}" for m in source.methods if (mine := [r for r in rows if r["method"] == m])]
    alt = f"Curves of the combined gradient's squared norm. At the last step: {', '.join(ends)}."
    return Figure("combined-gradient", "balancing", title, caption, alt, spec, rows)
