"""The temperature that would have been best, by a law fitted to the temperatures that were run."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from catscale.comparison.double_power_law import BestTemperature, fit_best_temperature
from catscale.comparison.result import GROUPS
from catscale.errors import ConfigError
from catscale.report.figures.figure import Figure, Missing, Source
from catscale.report.figures.layout import HOVER, Spec, lay_out_multiples, make_quantity, make_tooltips
from catscale.report.figures.theme import color_by_method

POINTS = 60
"""Temperatures that the law is drawn at."""
TITLE = "The temperature that would have been best"


def draw_best_temperature(source: Source) -> Figure | Missing | None:
    """Draw the validation NLL over the temperature, as measured and by a double power law, and where that is least."""
    measured = _measure(source)
    if len(measured) < 2:
        return None
    temperatures = np.array(list(measured))
    losses = np.array([[found[name] for name in source.directions] for found in measured.values()])
    sizes = np.array([float(direction.pairs) for direction in source.directions.values()])
    try:
        best = fit_best_temperature(sizes, temperatures, losses)
    except ConfigError as error:
        return Missing("outcome", TITLE, str(error))
    rows = list(_make_rows(source, best, temperatures, losses))
    orders = [group for group in GROUPS.values() if any(row["over"] == group for row in rows)]
    spec = lay_out_multiples("over", orders, _make_spec(source, rows), columns=3)
    return Figure("best-temperature", "outcome", TITLE, _caption(best), _describe(best, losses), spec, rows)


def _measure(source: Source) -> dict[float, dict[str, float]]:
    """Return temperature → direction → validation NLL of the best validation, the mean over seeds."""
    plain = {m.name: m.temperature for m in source.comparison.methods if m.temperature is not None}
    found: dict[float, list[dict[str, float]]] = defaultdict(list)
    for run in source.runs:
        scored = [record["nll"] for record in run.valid if _is_whole(record["nll"], source)]
        if run.method in plain and scored:
            best = min(scored, key=lambda nll: sum(nll[name] for name in source.directions))
            found[plain[run.method]].append(best)
    return {
        temperature: {name: float(np.mean([nll[name] for nll in found[temperature]])) for name in source.directions}
        for temperature in sorted(found)
    }


def _is_whole(nll: dict[str, float | None], source: Source) -> bool:
    return all(nll.get(name) is not None for name in source.directions)


def _make_rows(
    source: Source, best: BestTemperature, temperatures: np.ndarray, losses: np.ndarray
) -> Iterator[dict[str, Any]]:
    """Yield a row per temperature that was run, one per point of the law, and one for the best, of each group."""
    methods = {m.temperature: m.name for m in source.comparison.methods if m.temperature is not None}
    grid = np.geomspace(*best.ends, POINTS)
    law, least = best.law.predict(grid), best.law.predict(np.array([best.temperature]))[0]
    groups = [direction.group for direction in source.directions.values()]
    for key, over in GROUPS.items():
        members = [index for index, group in enumerate(groups) if key in ("all", group)]
        if not members:
            continue
        for temperature, values in zip(temperatures, losses, strict=True):
            head = {"over": over, "kind": "measured", "method": methods[float(temperature)]}
            yield head | {"temperature": float(temperature), "nll": float(values[members].mean())}
        for temperature, values in zip(grid, law, strict=True):
            other: dict[str, Any] = {"over": over, "kind": "law", "method": None}
            yield other | {"temperature": float(temperature), "nll": float(values[members].mean())}
        place = {"temperature": best.temperature, "nll": float(least[members].mean())}
        yield {"over": over, "kind": "best", "method": None, **place}


def _make_spec(source: Source, rows: list[dict[str, Any]]) -> Spec:
    x = make_quantity("temperature", "temperature T", type="log")
    y = make_quantity("nll", "validation NLL, nats")
    measured = [row for row in rows if row["kind"] == "measured"]
    color = color_by_method(source.methods, measured)
    tip = make_tooltips({"method": "method", "temperature": ("T", ".3~f"), "nll": ("NLL", ".3f")})

    def layer(kind: str, mark: Spec, **channels: Any) -> Spec:
        only = [{"filter": f"datum.kind === '{kind}'"}]
        return {"transform": only, "mark": mark, "encoding": {"x": x, "y": y, **channels}}

    line = layer("law", {"type": "line", "color": "var(--soft-ink)", "strokeWidth": 1.5})
    rule = {"mark": {"type": "rule", "color": "var(--soft-ink)", "strokeDash": [5, 3]}, "encoding": {"x": x}}
    points = layer("measured", {"type": "point", "filled": True, "size": 60, "opacity": 1}, color=color)
    hover = {"name": HOVER, **layer("measured", {"type": "point", "opacity": 0, "size": 150}, color=color, tooltip=tip)}
    best = {"transform": [{"filter": "datum.kind === 'best'"}], **rule}
    return {"height": 170, "layer": [line, best, points, hover]}


def _tell(best: BestTemperature) -> str:
    """Return the best temperature with its interval, or the end at which it is."""
    interval = f"95% {best.interval[0]:.2g} to {best.interval[1]:.2g}"
    if best.is_inside:
        return f"T = {best.temperature:.2g} ({interval})"
    end = "lowest" if best.temperature < sum(best.ends) / 2 else "highest"
    return f"the {end} temperature that was run, T = {best.temperature:.2g} ({interval}), or one beyond it"


def _caption(best: BestTemperature) -> str:
    alpha, beta, gamma = best.law.exponents
    return (
        f"Dots: the validation NLL of the best validation of a plain temperature, averaged over seeds and directions. "
        f"Line: a double power law (Chen et al. 2023), A p^(−{alpha:.2f}) + (C D^({gamma:.2f}) + B) p^{beta:.2f} + M "
        "of a direction's share p and pairs D, fitted to all directions together: the first term falls as one is "
        "drawn more, the second rises as its pairs are repeated. Its mean over directions is least at "
        f"{_tell(best)}, the dashed line. The interval is that of laws fitted to drawn residuals, whose size is "
        f"{best.error:.3f} nats for a direction; it says nothing of another budget, nor where the law does not hold."
    )


def _describe(best: BestTemperature, losses: np.ndarray) -> str:
    least = best.law.predict(np.array([best.temperature])).mean()
    return (
        f"A curve of the mean NLL over the temperature: by the law least at {_tell(best)}, {least:.3f} nats; the best "
        f"of {len(losses)} temperatures that were run has {losses.mean(1).min():.3f}."
    )
