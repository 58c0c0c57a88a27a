"""Curvature and alignment of gradients over training (the paper's Figure 2)."""

from collections.abc import Iterator
from typing import Any

from catscale.report.figures.figure import Choice, Figure, Missing, Source, choose_directions, label_direction
from catscale.report.figures.layout import Spec, lay_out_multiples, make_curve_layers, make_steps_axis, make_tooltips
from catscale.report.figures.theme import color_by_method
from catscale.report.history import Run
from catscale.report.series import average_seeds, thin

TOTAL = "all, weighted"
KINDS = ("high-high", "high-low", "low-low")
HOW = "`catscale analyze RUN --steps all` measures it at every checkpoint of a run"


def missing_analysis(source: Source, title: str, what: str) -> Missing:
    """Return the reason that a figure needs analysed runs, or analyses with `what`."""
    analysed = any(run.analysis for run in source.runs)
    return Missing("landscape", title, f"no {f'analysis has {what}' if analysed else 'run was analysed'}; {HOW}")


def draw_top_eigenvalues(source: Source) -> Figure | Missing:
    """Draw λ_max of each direction's loss, and of their weighted sum, over the steps."""
    title = "Curvature over time: top eigenvalue of the Hessian"
    rows = average_seeds(row for run in source.runs for row in _eigenvalue_rows(source, run))
    if not rows:
        return missing_analysis(source, title, "curvatures")
    tooltip = make_tooltips({"method": "method", "label": "loss of", "step": ("step", ","), "mean": ("λ_max", ".4~g")})
    caption = (
        "λ_max of the Hessian on a mini-batch, the eigenvalue of largest magnitude with its sign, of each direction's "
        f"loss and of the weighted sum of all ({TOTAL}); a band spans the seeds. Mirrors the paper's Figure 2 (top)."
        f"{_say_unconverged(source)}"
    )
    order = [TOTAL, *(label_direction(direction) for direction in source.comparison.directions)]
    spec = lay_out_multiples("label", order, _curves(source, rows, tooltip, 100, "λ_max"))
    return Figure(
        "curvature", "landscape", title, caption, _describe(source, rows, "label", "λ_max"), spec, rows,
        _with_total(choose_directions(source)),
    )  # fmt: skip


def _say_unconverged(source: Source) -> str:
    """Say how many of the power iterations stopped at their limit; nothing if all converged."""
    records = [record for run in source.runs for record in run.analysis]
    entries = [e for r in records for e in (*(r.get("curvature") or {}).values(), r.get("total") or {})]
    measured = [entry for entry in entries if entry.get("lambda_max") is not None]
    stopped = sum(entry.get("converged") is False for entry in measured)
    return f" {stopped} of {len(measured)} had not converged: read those as lower bounds of |λ|." if stopped else ""


def _with_total(choice: Choice | None) -> Choice | None:
    if choice is None:
        return None
    options = {name: [TOTAL, *values] for name, values in choice.options.items()}
    return Choice(choice.field, choice.label, options)


def _eigenvalue_rows(source: Source, run: Run) -> Iterator[dict[str, Any]]:
    for record in thin(run.analysis, source.points(60)):
        losses = {TOTAL: record.get("total") or {}}
        for name, entry in (record.get("curvature") or {}).items():
            if direction := source.directions.get(name):
                losses[label_direction(direction)] = entry
        for label, entry in losses.items():
            if entry.get("lambda_max") is not None:
                head = {"method": run.method, "label": label, "step": record["step"]}
                yield head | {"seed": run.seed, "value": entry["lambda_max"]}


def _curves(source: Source, rows: list[dict[str, Any]], tooltip: list[Spec], height: int, title: str) -> Spec:
    """Return curves with a mark at each measurement, around a line at zero."""
    banded = any(row["low"] < row["high"] for row in rows)
    layers = make_curve_layers(color_by_method(source.methods, rows), tooltip, seeds=2 if banded else 1, title=title)
    marked = [layer | {"mark": layer["mark"] | {"point": {"size": 26}}} if layer["mark"]["type"] == "line" else layer
              for layer in layers]  # fmt: skip
    zero: Spec = {"mark": {"type": "rule", "color": "var(--soft-ink)"}, "encoding": {"y": {"datum": 0}}}
    for layer in marked:
        layer["encoding"] = {"x": make_steps_axis(padding=6), **layer["encoding"]}
    return {"height": height, "layer": [zero, *marked]}


def draw_gradient_alignment(source: Source) -> Figure | Missing:
    """Draw the mean cosine between the gradients of high- and low-resource directions over the steps."""
    title = "Alignment of gradients over time"
    rows = _alignment_rows(source)
    if not rows:
        return missing_analysis(source, title, "similarities of high- and low-resource gradients")
    tooltip = make_tooltips({"method": "method", "pairs": "pairs", "step": ("step", ","), "mean": ("cosine", ".3f")})
    caption = (
        "Mean cosine between gradients of two directions over all parameters, by the resource group of the two; the "
        "band is the standard error over pairs, or the span of several seeds. Above 0 they agree, below 0 one "
        "direction's step harms the other. Mirrors the paper's Figure 2 (bottom)."
    )
    order = [kind for kind in KINDS if any(row["pairs"] == kind for row in rows)]
    spec = lay_out_multiples("pairs", order, _curves(source, rows, tooltip, 170, "cosine"), columns=3, minimum=260)
    alt = _describe(source, rows, "pairs", "cosine")
    return Figure("alignment", "landscape", title, caption, alt, spec, rows)


def _alignment_rows(source: Source) -> list[dict[str, Any]]:
    points, errors = [], []
    for run in source.runs:
        for record in thin(run.analysis, 60):
            kinds = ((record.get("similarity_by_resource") or {}).get("direction") or {}).get("all") or {}
            for kind in KINDS:
                found = kinds.get(kind) or {}
                if found.get("mean") is not None:
                    head = {"method": run.method, "pairs": kind, "step": record["step"], "seed": run.seed}
                    points.append(head | {"value": found["mean"]})
                    errors.append(head | {"value": found.get("error") or 0.0})
    rows = zip(average_seeds(points), average_seeds(errors), strict=True)
    return [
        row | {"low": row["mean"] - error["mean"], "high": row["mean"] + error["mean"]} if row["seeds"] == 1 else row
        for row, error in rows
    ]


def _describe(source: Source, rows: list[dict[str, Any]], key: str, what: str) -> str:
    parts = []
    for method in source.methods:
        mine = [row for row in rows if row["method"] == method]
        if mine:
            last = max(row["step"] for row in mine)
            ends = [f"{row['mean']:.3g} ({row[key]})" for row in mine if row["step"] == last]
            parts.append(f"{method} at step {last:,}: {', '.join(ends[:6])}{' and others' if len(ends) > 6 else ''}")
    return f"Curves of {what} over the steps. {'; '.join(parts)}."
