"""Does curvature predict the gap between train and dev NLL: rank correlations over the analyses of a table's runs.

Legend: a measure is one number of a direction at an analysed step of a run, the gap its dev NLL less its train NLL
(dropout on) at the same step, or at the end of the run.

Three questions, each less confounded than the one before:

    all         over all directions, steps and runs: the poor are both sharper and further from their dev data
    direction   over the steps and runs of one direction, then the mean over the directions
    cell        over the runs at one step of one direction, then the mean over all of these: does the flatter run of two
                that differ in the method alone have the smaller gap?

The interval is that of runs drawn with replacement, whole, since the steps of a run depend on one another; it is rough
where there are few runs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Vector = NDArray[np.float64]
MEASURES = ("lambda_max", "fisher_trace", "squared_norm", "squared_signal")
OUTCOMES = ("gap", "last gap")
LEVELS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "all": lambda point: None,
    "direction": lambda point: point["task"],
    "cell": lambda point: (point["task"], point["step"]),
}
"""Level → what a correlation is found within."""
DRAWS, SEED, LEAST = 200, 1, 3
"""Draws of an interval, their seed, and the fewest points of a correlation."""
TINY = 1e-9
"""The spread of ranks below which they are constant, but for rounding."""


def predict_gaps(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Find the rank correlation of each measure with each outcome at each level.

    Args:
        rows: Summaries of runs by row, as `experiments.summary` makes them.

    Returns:
        {measure: {outcome: {level: {"correlation", "interval", "points"}}}}; measures and levels without one left out.
    """
    points = list_points(rows)
    found: dict[str, Any] = {}
    for measure in MEASURES:
        known = [point for point in points if point[measure] is not None]
        for outcome in OUTCOMES:
            for level, key in LEVELS.items():
                entry = _correlate(known, measure, outcome, key)
                if entry is not None:
                    found.setdefault(measure, {}).setdefault(outcome, {})[level] = entry
    return found


def list_points(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Every direction at every analysed step that was validated too: its measures and its gaps."""
    points = []
    for name, runs in rows.items():
        for run in runs:
            places = {step: place for place, (step, _) in enumerate(run["dev_nll"])}
            for record in run.get("analysis", []):
                for task, norm in record.get("gradient_norms", {}).items():
                    gaps = [find_gap(run, task, place) for place in (places.get(record["step"]), -1)]
                    if None not in gaps:
                        head = {"run": (name, run["seed"]), "task": task, "step": record["step"]}
                        square, ratio = norm and norm**2, record.get("signal_to_noise", {}).get(task)
                        values = (
                            record["lambda_max"][task],
                            record["fisher_trace"][task],
                            square,
                            find_signal(square, ratio),
                        )
                        points.append(head | dict(zip((*OUTCOMES, *MEASURES), (*gaps, *values), strict=True)))
    return points


def find_signal(square: float | None, ratio: float | None) -> float | None:
    """About ‖μ‖², the square without the noise's share: it may be negative, as the estimate of the ratio.

    Args:
        square: ‖g‖², noise and all.
        ratio: ‖μ‖² over the variance of g, s; ‖g‖² is ‖μ‖² (1 + 1 / s).

    Returns:
        ‖g‖² s / (1 + s); None where one of them is not known.
    """
    return None if square is None or ratio is None or ratio <= -1 else square * ratio / (1 + ratio)


def find_gap(run: Mapping[str, Any], task: str, place: int | None) -> float | None:
    """Dev less train NLL of a direction at one of a run's validations; None where it is not known."""
    train = None if place is None else run["train_nll_by_task"].get(task, {place: None})[place]
    return None if train is None else float(run["dev_nll_by_task"][task][place] - train)


def _correlate(
    points: Sequence[Mapping[str, Any]], measure: str, outcome: str, key: Callable[[Mapping[str, Any]], Any]
) -> dict[str, Any] | None:
    """The mean rank correlation within the groups of a key, with its interval; None where no group tells."""
    if not points:
        return None
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for point in points:
        groups.setdefault(key(point), []).append(point)
    names = sorted({point["run"] for point in points})
    rng = np.random.default_rng(SEED)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    times = np.vstack([np.ones((1, len(names))), drawn])
    found = []
    for group in groups.values():
        left, right = (np.array([point[name] for point in group], float) for name in (measure, outcome))
        found.append(correlate_ranks(left, right, times[:, [names.index(point["run"]) for point in group]]))
    table = np.array(found).reshape(len(found), len(times))
    known: NDArray[np.bool_] = np.any(np.isfinite(table), axis=0)
    if not known[0]:
        return None
    whole, *draws = np.nanmean(table[:, known], axis=0)
    ends = np.quantile(draws, [0.025, 0.975]).round(3).tolist() if len(names) > 1 else None
    return {"correlation": round(float(whole), 3), "interval": ends, "points": len(points)}


def correlate_ranks(left: Vector, right: Vector, times: Vector) -> Vector:
    """Spearman's ρ, with mean ranks of ties, of points that count several times or not at all.

    Args:
        left, right: (n,) values, ranked once: a draw keeps the ranks of the whole.
        times: (draws, n) the times that each point counts.

    Returns:
        (draws,), NaN where fewer than `LEAST` points count, or one side of them is constant.
    """
    one, two = rankdata(left), rankdata(right)
    total = np.maximum(times.sum(1, keepdims=True), 1)
    one, two = (side - times @ side[:, None] / total for side in (one, two))
    left_square, right_square, product = ((times * sides).sum(1) for sides in (one**2, two**2, one * two))
    tells = ((times > 0).sum(1) >= LEAST) & (np.minimum(left_square, right_square) > TINY)
    return np.where(tells, product / np.sqrt(np.where(tells, left_square * right_square, 1.0)), np.nan)
