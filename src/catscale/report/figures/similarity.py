"""Similarity of gradients by module group and by pair of directions (the paper's Figure 3)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from catscale.report.figures.curvature import KINDS, missing_analysis
from catscale.report.figures.figure import MANY, Choice, Figure, Missing, Source
from catscale.report.figures.layout import Spec, lay_out_multiples, make_tooltips
from catscale.report.history import items

MODULES = ("all", "E.SA", "E.FC", "E.LN", "D.SA", "D.EA", "D.FC", "D.LN")
LEGEND = (
    "E encoder, D decoder, SA self-attention, EA attention to the encoder, FC feed-forward, LN layer normalisation; "
    "the embeddings are in `all` alone."
)


@dataclass(frozen=True)
class Measure:
    """One of the two similarities.

    Attributes:
        key: The key in the record of an analysis.
        name: The name in titles.
        formula: The formula in captions.
        signed: Whether it can be below 0.
    """

    key: str
    name: str
    formula: str
    signed: bool


DIRECTION = Measure("direction", "direction similarity", "the cosine of the two gradients", True)
MAGNITUDE = Measure(
    "magnitude",
    "magnitude similarity",
    "2‖a‖‖b‖ / (‖a‖² + ‖b‖²) of the two gradients, 1 where they are equally long",
    False,
)


def draw_similarity_by_module(source: Source, measure: Measure) -> Figure | Missing:
    """Draw one heat map per method: resource groups of the pair against module groups."""
    title = f"Gradient {measure.name} by module"
    rows = list(_module_rows(source, measure))
    if not rows:
        return missing_analysis(source, title, "similarities by resource group")
    tooltip = make_tooltips({"method": "method", "pairs": "pairs", "module": "module", "mean": (measure.name, ".3f")})
    present = [module for module in MODULES if any(row["module"] == module for row in rows)]
    spec = _heat_map(rows, measure, "module", present, "pairs", list(KINDS), tooltip, 26)
    dark = f"abs(datum.mean) > {0.6 * _widest(rows) if measure.signed else 0.6}"
    white = {"condition": {"test": dark, "value": "#ffffff"}, "value": "#111111"}
    number = {"field": "mean", "type": "quantitative", "format": ".2f"}
    spec["layer"].append({"mark": {"type": "text", "fontSize": 9}, "encoding": {"text": number, "color": white}})
    caption = (
        f"Mean over pairs of directions, at the newest analysis: {measure.formula}; rows by the resource groups of the "
        f"two, columns by module. {LEGEND} Mirrors the paper's Figure 3."
    )
    ends = [f"{r['method']} {r['pairs']} {r['mean']:.2f}" for r in rows if r["module"] == "all"]
    alt = f"Heat maps of gradient {measure.name} by module. Over all parameters: {', '.join(ends)}."
    name = f"similarity-{measure.key}"
    order = [method for method in source.methods if any(row["method"] == method for row in rows)]
    figure = lay_out_multiples("method", order, spec, columns=2, minimum=360, independent=(), room=(88, 76))
    return Figure(name, "landscape", title, caption, alt, figure, rows)


def _module_rows(source: Source, measure: Measure) -> Iterator[dict[str, Any]]:
    for method, records in _newest(source).items():
        for module in MODULES:
            for kind in KINDS:
                tables = [((r.get("similarity_by_resource") or {}).get(measure.key) or {}) for r in records]
                entries = [(table.get(module) or {}).get(kind) or {} for table in tables]
                means = [entry["mean"] for entry in entries if entry.get("mean") is not None]
                if means:
                    yield {"method": method, "pairs": kind, "module": module, "mean": fmean(means)}


def draw_similarity_by_pair(source: Source, measure: Measure) -> Figure | Missing:
    """Draw one matrix per method: every pair of directions, the module group to be chosen."""
    title = f"Gradient {measure.name} by pair"
    names = _edge([direction.name for direction in source.comparison.directions])
    every = (row for method in source.methods for row in pair_rows(source, measure, method))
    rows = [row for row in every if {row["one"], row["other"]} <= set(names)]
    if not rows:
        return missing_analysis(source, title, "similarities of gradients")
    tooltip = make_tooltips(
        {"method": "method", "one": "one", "other": "other", "module": "module", "mean": (measure.name, ".3f")}
    )
    spec = _heat_map(rows, measure, "one", names, "other", names, tooltip, 13)
    few = (
        f" The {MANY // 2} smallest and {MANY // 2} largest directions." if len(names) < len(source.directions) else ""
    )
    caption = (
        f"At the newest analysis: {measure.formula}; both axes from the smallest direction to the largest.{few} "
        f"Modules: {LEGEND} The pairs behind the paper's Figures 3 and 4."
    )
    present = [module for module in MODULES if any(row["module"] == module for row in rows)]
    choice = Choice("module", "Parameters", {module: [module] for module in present})
    order = [method for method in source.methods if any(row["method"] == method for row in rows)]
    figure = lay_out_multiples("method", order, spec, columns=3, minimum=300, independent=(), room=(70, 84))
    alt = f"Matrices of gradient {measure.name} by pair of directions. {_extremes(rows, present[0])}"
    return Figure(f"pairs-{measure.key}", "landscape", title, caption, alt, figure, rows, choice)


def _edge(names: list[str]) -> list[str]:
    return names if len(names) <= MANY else [*names[: MANY // 2], *names[-MANY // 2 :]]


def _extremes(rows: list[dict[str, Any]], module: str) -> str:
    parts = []
    for method in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if (row["method"], row["module"]) == (method, module)]
        if mine:
            low, high = min(mine, key=lambda row: row["mean"]), max(mine, key=lambda row: row["mean"])
            ends = (f"{row['mean']:.2f} ({row['one']} and {row['other']})" for row in (low, high))
            parts.append(f"{method}: from {' to '.join(ends)}")
    return f"Over {module} parameters, {'; '.join(parts)}."


def pair_rows(source: Source, measure: Measure, method: str) -> Iterator[dict[str, Any]]:
    """Yield both halves of a method's matrices, averaged over seeds."""
    tables = [((record.get("similarity") or {}).get(measure.key) or {}) for record in _newest(source)[method]]
    for module in MODULES:
        values: dict[str, list[float]] = defaultdict(list)
        for table in tables:
            for pair, value in items(table, module):
                values[pair].append(value)
        for pair, found in values.items():
            one, _, other = pair.partition("|")
            for a, b in ((one, other), (other, one)):
                yield {"method": method, "module": module, "one": a, "other": b, "mean": fmean(found)}


def _heat_map(
    rows: list[dict[str, Any]], measure: Measure, x: str, x_order: list[str], y: str, y_order: list[str],
    tooltip: list[Spec], step: int,
) -> Spec:  # fmt: skip
    scale: Spec = {"scheme": "blues", "domain": [0, 1]}
    if measure.signed:
        widest = _widest(rows)
        scale = {"scheme": "purpleorange", "reverse": True, "domain": [-widest, widest], "clamp": True}
    legend = {"title": measure.name, "gradientLength": 140, "orient": "top", "tickCount": 3}
    color = {"field": "mean", "type": "quantitative", "scale": scale, "legend": legend}
    axis = {"title": None, "type": "nominal"}
    return {
        "height": {"step": step},
        "encoding": {"x": {"field": x, "sort": x_order, **axis}, "y": {"field": y, "sort": y_order, **axis}},
        "layer": [{"mark": {"type": "rect"}, "encoding": {"color": color, "tooltip": tooltip}}],
    }


def _widest(rows: list[dict[str, Any]]) -> float:
    """Return the end of a colour scale: 19 of 20 values lie within it."""
    sizes = sorted(abs(row["mean"]) for row in rows)
    return sizes[int(0.95 * (len(sizes) - 1))] or 1.0


def _newest(source: Source) -> dict[str, list[dict[str, Any]]]:
    """Return the newest analysis of each seed, by method."""
    newest = defaultdict(list)
    for run in source.runs:
        if run.analysis:
            newest[run.method].append(run.analysis[-1])
    return newest
