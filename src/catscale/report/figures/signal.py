"""The figure of what measured gradients tell beside their noise."""

from collections.abc import Iterator
from typing import Any

from catscale.report.figures.by_direction import draw_by_direction
from catscale.report.figures.figure import Figure, Source, label_direction
from catscale.report.history import Run, items
from catscale.report.series import average_seeds, thin


def draw_signal_to_noise(source: Source) -> Figure | None:
    """Draw the ratio of signal to noise of each direction's gradients over the steps; nothing where none is known."""
    rows = average_seeds(row for run in source.runs for row in _list_rows(source, run))
    if not rows:
        return None
    caption = (
        "‖μ‖² over the variance of the gradient that was measured, both estimated from two halves of its sub-batches: "
        "below 1 the gradient is more noise than signal, and so is what a method makes of its length. An estimate may "
        "be negative."
    )
    what = "signal over noise"
    return draw_by_direction(source, "signal-to-noise", "Signal to noise of the gradients", caption, rows, what, "")


def _list_rows(source: Source, run: Run) -> Iterator[dict[str, Any]]:
    """List the ratios of a run."""
    for record in thin([record for record in run.balance if record.get("signal_to_noise")], source.points(60)):
        for name, ratio in items(record, "signal_to_noise"):
            if direction := source.directions.get(name):
                head = {"method": run.method, "direction": name, "label": label_direction(direction)}
                yield head | {"step": record["step"], "seed": run.seed, "value": ratio}
