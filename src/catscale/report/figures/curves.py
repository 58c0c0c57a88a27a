"""NLL by language, train against validation (the paper's Figure 5), and sample efficiency (its Figure 6)."""

from collections.abc import Iterator
from typing import Any

from catscale.comparison.result import GROUPS
from catscale.report.figures.figure import Figure, Missing, Source, choose_directions, label_direction
from catscale.report.figures.layout import lay_out_multiples, make_curve_layers, make_steps_axis, make_tooltips
from catscale.report.figures.theme import color_by_method
from catscale.report.history import Run, interpolate_tokens, items
from catscale.report.series import average_seeds, thin

DASHES = {"domain": ["validation", "train"], "range": [[1, 0], [4, 3]]}


def draw_nll_curves(source: Source) -> Figure | Missing:
    """Train and validation NLL over the steps, a plot a direction."""
    title = "Train and validation NLL by direction, nats per token"
    rows = average_seeds(row for run in source.runs for row in _nll_rows(source, run))
    if not rows:
        return Missing(
            "learning", title, "no run has a metrics.jsonl with validations; keep the runs' folders in place"
        )
    order = [label_direction(direction) for direction in source.comparison.directions]
    dash = {"field": "split", "type": "nominal", "scale": DASHES, "legend": {"title": None}}
    tooltip = make_tooltips(
        {"method": "method", "label": "direction", "split": "split", "step": ("step", ","), "mean": ("NLL", ".3f")}
    )
    spec = {
        "height": 120,
        "encoding": {"x": make_steps_axis()},
        "layer": make_curve_layers(color_by_method(source.methods, rows), tooltip, dash, _seeds(rows), "NLL"),
    }
    caption = (
        "NLL in nats per target token over the steps, from the smallest direction to the largest (train pairs in "
        "brackets), from the first validation on. Solid: validation. Dashed: training, averaged over the steps since "
        "the record before, dropout on. A band spans the seeds. A validation curve that rises while the dashed one "
        "falls is overfitting. Mirrors the paper's Figure 5."
    )
    return Figure(
        "nll", "learning", title, caption, _describe(source, rows), lay_out_multiples("label", order, spec), rows,
        choose_directions(source),
    )  # fmt: skip


def _seeds(rows: list[dict[str, Any]]) -> int:
    return max(int(row["seeds"]) for row in rows)


def _nll_rows(source: Source, run: Run) -> Iterator[dict[str, Any]]:
    first = run.valid[0]["step"] if run.valid else 0
    train = [record for record in run.train if record["step"] >= first]
    for split, records in (("validation", run.valid), ("train", train if run.valid else [])):
        for record in thin(records, source.points(40, curves=2)):
            for name, value in items(record, "nll"):
                if direction := source.directions.get(name):
                    head = {"method": run.method, "direction": name, "label": label_direction(direction)}
                    yield head | {"split": split, "step": record["step"], "seed": run.seed, "value": value}


def _describe(source: Source, rows: list[dict[str, Any]]) -> str:
    parts = []
    for method in source.methods:
        mine = [row for row in rows if row["method"] == method and row["split"] == "validation"]
        if mine:
            last = max(row["step"] for row in mine)
            values = {row["direction"]: row["mean"] for row in mine if row["step"] == last}
            best, worst = min(values, key=lambda d: values[d]), max(values, key=lambda d: values[d])
            mean = sum(values.values()) / len(values)
            parts.append(
                f"{method}: {mean:.2f} on average over {len(values)} directions at step {last:,}, "
                f"from {values[best]:.2f} ({best}) to {values[worst]:.2f} ({worst})"
            )
    return f"Curves of train and validation NLL by direction. Validation NLL at the end: {'; '.join(parts)}."


def draw_sample_efficiency(source: Source) -> Figure | Missing:
    """Draw validation NLL, averaged over groups of directions, by target tokens seen."""
    title = "Sample efficiency: validation NLL by target tokens seen"
    rows = average_seeds(row for run in source.runs for row in _group_rows(source, run))
    if not rows:
        return Missing("learning", title, "no run has validations with the tokens seen; train with this version")
    tooltip = make_tooltips(
        {"method": "method", "group": "directions", "tokens": ("target tokens", ".3s"), "mean": ("NLL", ".3f")}
    )
    spec = {
        "height": 200,
        "encoding": {"x": make_steps_axis("target tokens", "tokens")},
        "layer": make_curve_layers(color_by_method(source.methods, rows), tooltip, None, _seeds(rows), "NLL"),
    }
    caption = (
        "Validation NLL, nats per token, averaged over a group's directions, by target tokens trained on. The method "
        "whose curve is lower at the same place has learnt more from the same text. Mirrors the paper's Figure 6."
    )
    order = list(dict.fromkeys(row["group"] for row in rows))
    figure = lay_out_multiples("group", order, spec, columns=len(order), minimum=240)
    return Figure("efficiency", "learning", title, caption, _describe_groups(source, rows), figure, rows)


def _group_rows(source: Source, run: Run) -> Iterator[dict[str, Any]]:
    for record in thin(run.valid, 100):
        tokens, nll = interpolate_tokens(run, record["step"]), dict(items(record, "nll"))
        for group, name in GROUPS.items():
            members = [d for d, direction in source.directions.items() if group in ("all", direction.group)]
            known = [nll[d] for d in members if d in nll]
            if tokens is not None and members and len(known) == len(members):
                head = {"method": run.method, "group": f"{name} ({len(members)})", "step": record["step"]}
                yield head | {"tokens": round(tokens), "seed": run.seed, "value": sum(known) / len(known)}


def _describe_groups(source: Source, rows: list[dict[str, Any]]) -> str:
    parts = []
    for group in dict.fromkeys(row["group"] for row in rows):
        ends = []
        for method in source.methods:
            mine = [row for row in rows if (row["method"], row["group"]) == (method, group)]
            if mine:
                ends.append(f"{method} {mine[-1]['mean']:.2f} after {mine[-1]['tokens']:,} tokens")
        parts.append(f"{group}: {', '.join(ends)}")
    return f"Validation NLL by target tokens seen, at the end. {'; '.join(parts)}."
