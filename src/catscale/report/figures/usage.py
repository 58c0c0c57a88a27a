"""The parts of a model that each language uses, where they are not the same for all."""

from collections.abc import Iterator
from statistics import fmean
from typing import Any

from catscale.report.figures.figure import Figure, Source
from catscale.report.figures.layout import lay_out_multiples, make_tooltips


def draw_usage(source: Source) -> Figure | None:
    """Draw one heat map per method: languages against parts, at the last validation, the mean over seeds."""
    rows = list(_list_rows(source))
    if not rows:
        return None
    title = "Parts of the model by language"
    caption = (
        "The share in use at the last validation, mean over seeds: of a layer whose use is learnt (latent_depth) the "
        "probability, above one half in use after training; of a block with gates (routed) the share of the tokens of "
        "dev that take the language's own projection."
    )
    order = [method for method in source.methods if any(row["method"] == method for row in rows)]
    tooltip = make_tooltips({"method": "method", "language": "language", "part": "part", "mean": ("share", ".2f")})
    legend = {"title": "share", "gradientLength": 140, "orient": "top", "tickCount": 3}
    color = {"field": "mean", "type": "quantitative", "scale": {"scheme": "blues", "domain": [0, 1]}, "legend": legend}
    axis = {"title": None, "type": "nominal"}
    spec = {
        "height": {"step": 17},
        "encoding": {
            "x": {"field": "part", "sort": list(dict.fromkeys(row["part"] for row in rows)), **axis},
            "y": {"field": "language", "sort": sorted({row["language"] for row in rows}), **axis},
        },
        "layer": [{"mark": {"type": "rect"}, "encoding": {"color": color, "tooltip": tooltip}}],
    }
    figure = lay_out_multiples("method", order, spec, columns=2, minimum=360, independent=(), room=(88, 130))
    return Figure("usage", "balancing", title, caption, f"Heat maps of shares. {_say(rows)}.", figure, rows)


def _list_rows(source: Source) -> Iterator[dict[str, Any]]:
    """Yield a row per method, language and part, in the order of the records."""
    for method in source.methods:
        last = [run.valid[-1] for run in source.runs if run.method == method and run.valid]
        tables = [usage for record in last if (usage := record.get("usage"))]
        for language, parts in tables[0].items() if tables else ():
            for part in parts:
                found = [value for table in tables if (value := (table.get(language) or {}).get(part)) is not None]
                if found:
                    yield {"method": method, "language": language, "part": part, "mean": fmean(found)}


def _say(rows: list[dict[str, Any]]) -> str:
    """Name, for each method, the mean share and the parts that are used least and most."""
    said = []
    for method in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if row["method"] == method]
        low, high = min(mine, key=lambda row: row["mean"]), max(mine, key=lambda row: row["mean"])
        ends = " to ".join(f"{row['mean']:.2f} ({row['language']}, {row['part']})" for row in (low, high))
        said.append(f"{method}: mean {fmean(row['mean'] for row in mine):.2f}, from {ends}")
    return "; ".join(said)
