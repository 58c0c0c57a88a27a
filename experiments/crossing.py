"""Draw where one row passes another: dev NLL of the low-resource directions along training, of the model and its EMA.

python -m experiments.crossing results/experiments/multi30k-regime-crossing.json docs/images/crossing.svg
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from catscale.report.export import draw_svg
from catscale.report.figures.figure import Figure
from catscale.report.figures.layout import lay_out_multiples, make_curve_layers, make_steps_axis
from catscale.report.figures.theme import color_by_method
from catscale.report.series import average_seeds
from experiments.regime_tables import tell_crossing

KINDS = {"the model": "dev_nll", "its EMA": "dev_nll_ema"}
DASHES = {"domain": list(KINDS), "range": [[1, 0], [4, 3]]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw a table's result to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", type=Path, help="what `python -m experiments.run CORPUS crossing` wrote")
    parser.add_argument("picture", type=Path, help="SVG to write")
    given = parser.parse_args(arguments)
    figure = draw_crossing(json.loads(given.result.read_text(encoding="utf-8")))
    given.picture.write_text(draw_svg(figure, width=760), encoding="utf-8")


def draw_crossing(content: Mapping[str, Any]) -> Figure:
    """Draw the mean over the low-resource directions, and each of them, of the two rows; seeds are a band.

    Args:
        content: Of a table with two rows.
    """
    low = [task for task, group in content["groups"].items() if group == "low"]
    names = [name for name, runs in content["rows"].items() if runs]
    rows = average_seeds(row for name in names for run in content["rows"][name] for row in list_points(name, run, low))
    dash = {"field": "model", "type": "nominal", "scale": DASHES, "legend": {"title": None}}
    seeds = max(row["seeds"] for row in rows)
    layers = make_curve_layers(color_by_method(names, rows), [], dash, seeds, "dev NLL")
    spec = {"height": 190, "encoding": {"x": make_steps_axis("update")}, "layer": layers}
    order = ["mean of the poor", *low]
    note = tell_crossing({name: content["rows"][name][0] for name in names}, low)["note"]
    return Figure(
        "crossing",
        "learning",
        f"Low-resource dev NLL of {' and '.join(names)}",
        f"Nats per target token over the updates; dashed, the exponential average of the weights. {note}",
        note,
        lay_out_multiples("over", order, spec, columns=3, minimum=220),
        rows,
    )


def list_points(name: str, run: Mapping[str, Any], low: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a point for every curve and validation of a run."""
    for model, kind in KINDS.items():
        table = run.get(f"{kind}_by_task", {})
        for place, (step, _) in enumerate(run.get(kind, [])) if table else ():
            values = {"mean of the poor": mean(table[task][place] for task in low)}
            for over, value in (values | {task: table[task][place] for task in low}).items():
                head = {"method": name, "model": model, "over": over, "step": step}
                yield head | {"seed": run["seed"], "value": value}


if __name__ == "__main__":
    main()
