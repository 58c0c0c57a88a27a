"""BLEU of a sample of dev over the steps, where runs translated while they trained (`training.validate_bleu`)."""

from collections.abc import Iterator, Sequence
from typing import Any

from catscale.report.figures.figure import Choice, Figure, Missing, Source, choose_directions, label_direction
from catscale.report.figures.layout import lay_out_multiples, make_curve_layers, make_steps_axis, make_tooltips
from catscale.report.figures.theme import color_by_method
from catscale.report.history import Run, items
from catscale.report.series import average_seeds, thin

MEAN = "mean over directions"


def draw_dev_bleu(source: Source) -> Figure | Missing:
    """Draw BLEU on dev while training: the mean over directions, and each direction."""
    title = "BLEU on dev while training"
    scored = _scored(source)
    rows = average_seeds(row for run in source.runs for row in _rows(source, run, scored))
    if not rows:
        reason = (
            "no run translated a part of dev while it trained; `training.validate_bleu: 50` does at each validation"
        )
        return Missing("learning", title, reason)
    tooltip = make_tooltips({"method": "method", "label": "direction", "step": ("step", ","), "mean": ("BLEU", ".1f")})
    seeds = max(int(row["seeds"]) for row in rows)
    layers = make_curve_layers(color_by_method(source.methods, rows), tooltip, None, seeds, "BLEU")
    spec = {"height": 160, "encoding": {"x": make_steps_axis()}, "layer": layers}
    order = [MEAN, *(label_direction(source.directions[name]) for name in scored)]
    return Figure(
        "dev-bleu", "learning", title, _caption(source, rows), _describe(source, rows),
        lay_out_multiples("label", order, spec), rows, _choose(source, order),
    )  # fmt: skip


def _scored(source: Source) -> list[str]:
    """Return the directions that some run translated, from the smallest to the largest."""
    found = {name for run in source.runs for record in run.valid for name, _ in items(record, "bleu")}
    return [name for name in source.directions if name in found]


def _rows(source: Source, run: Run, scored: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a row per direction and step, and one of the mean where no direction lacks a score."""
    records = [record for record in run.valid if record.get("bleu")]
    for record in thin(records, source.points(40)):
        values = dict(items(record, "bleu"))
        found = {label_direction(source.directions[name]): values[name] for name in scored if name in values}
        if found and len(found) == len(scored):
            found = {MEAN: sum(found.values()) / len(found)} | found
        for label, value in found.items():
            head = {"method": run.method, "label": label, "step": record["step"]}
            yield head | {"seed": run.seed, "value": value}


def _choose(source: Source, order: Sequence[str]) -> Choice:
    """Offer the mean first, then the directions: all at once, or in parts where there are many."""
    pages = choose_directions(source)
    parts = {"each direction": list(order[1:])} if pages is None else pages.options
    return Choice("label", "Directions", {MEAN: [MEAN], **parts})


def _caption(source: Source, rows: Sequence[dict[str, Any]]) -> str:
    settings = [run.config.get("training") for run in source.runs]
    asked = [training.get("validate_bleu") for training in settings if isinstance(training, dict)]
    sizes = sorted({size for size in asked if isinstance(size, int)})
    sample = f"at most {sizes[0]:,} sentences of each direction's dev set" if sizes else "a part of each dev set"
    if len(sizes) > 1:
        found = ", ".join(f"{size:,}" for size in sizes)
        sample = f"{found} sentences per direction, as the runs were set (not comparable)"
    without = [name for name in source.methods if name not in {row["method"] for row in rows}]
    gap = f" Without a curve, since they were not asked to translate: {', '.join(without)}." if without else ""
    return (
        f"BLEU of a sample, {sample}, translated by greedy search at each validation: for watching whether a model "
        f"translates and still gains. The scores above are of the whole {source.comparison.split} set, decoded as each "
        "run's evaluation says, so the two are not equal; a few points here are noise. The mean counts each direction "
        f"once; a band spans the seeds.{gap}"
    )


def _describe(source: Source, rows: Sequence[dict[str, Any]]) -> str:
    parts = []
    for method in source.methods:
        mine = [row for row in rows if row["method"] == method]
        if mine:
            last = max(row["step"] for row in mine)
            ends = {row["label"]: row["mean"] for row in mine if row["step"] == last}
            each = {label: value for label, value in ends.items() if label != MEAN}
            mean = f"{ends[MEAN]:.1f} on average, " if MEAN in ends else ""
            worst, best = (pick(each, key=lambda label: each[label]) for pick in (min, max))
            parts.append(
                f"{method} at step {last:,}: {mean}from {each[worst]:.1f} ({worst}) to {each[best]:.1f} ({best})"
            )
    return f"Curves of BLEU on a sample of dev. {'; '.join(parts)}."
