"""The result in two short sentences, and what they rest on."""

from collections.abc import Sequence

from catscale.comparison.result import GROUPS, ComparedMethod, Comparison, Difference, Row
from catscale.comparison.threshold import is_too_low
from catscale.evaluation.metrics.table import METRICS, list_telling


def state_verdict(comparison: Comparison, metric: str | None = None) -> str:
    """Say what a method gains or loses against the baseline, then how sure that is.

    One method is spoken of: the only one that is no plain temperature, or the best over all directions where there are
    several. Models that do not translate yet get no verdict in BLEU. Without a metric it is the comparison's.
    """
    metric = metric or comparison.metric
    spoken = choose_spoken(comparison, metric)
    if spoken is None:
        return f"Only {comparison.baseline} was given: there is nothing to compare it with."
    told = _told(comparison, metric, spoken)
    if not told:
        return (
            f"No verdict in {METRICS[metric].label}: below {METRICS[metric].least:g}, as here over all directions, "
            f"models do not translate yet. Look at {list_telling({row.metric for row in comparison.rows})}."
        )
    name = f"{METRICS[metric].label}{'' if METRICS[metric].higher_is_better else ' (lower is better)'}"
    found, digits = _difference(comparison, metric, "all", spoken), METRICS[metric].digits
    low, high = (signed(end, digits) for end in found.widest)
    parts = [
        f"{GROUPS[group]} {signed(_difference(comparison, metric, group, spoken).mean, digits)}" for group in told[1:]
    ]
    groups = f" ({', '.join(parts)})" if parts else ""
    return (
        f"{spoken.name} against {comparison.baseline}: {name} {signed(found.mean, digits)} [{low}, {high}] over all "
        f"directions{groups}. {_certainty(comparison, metric, spoken)}"
    )


def state_basis(comparison: Comparison, metric: str | None = None) -> list[str]:
    """Return what the verdict rests on, one sentence per line: how its method was chosen, seeds, intervals,
    correction."""
    metric = metric or comparison.metric
    spoken = choose_spoken(comparison, metric)
    if spoken is None or not _told(comparison, metric, spoken):
        return []
    count = len(_candidates(comparison, metric))
    lines = []
    if count > 1:
        which = "others" if spoken.temperature is not None else "methods that are no plain temperature"
        lines.append(f"{spoken.name} has the best {METRICS[metric].label} of the {count} {which}, which flatters it.")
    over = "sentences alone"
    if _difference(comparison, metric, "all", spoken).is_decidable:
        over = f"sentences and seeds; significance is after the correction for {comparison.corrected_for:,} comparisons"
    lines.append(f"{_count_seeds(comparison, spoken)}; in brackets a 95% interval over {over}.")
    return [*lines, *_spreads(comparison, metric, spoken), *_better(comparison, metric, spoken)]


def choose_spoken(comparison: Comparison, metric: str) -> ComparedMethod | None:
    """Return the method that the verdict is about; None where there is none but the baseline."""
    candidates = _candidates(comparison, metric)
    sign = 1 if METRICS[metric].higher_is_better else -1
    return max(candidates, key=lambda method: sign * _row(comparison, metric, "all", method.name).mean, default=None)


def _candidates(comparison: Comparison, metric: str) -> list[ComparedMethod]:
    """Return the methods to speak of: those of the runs without plain temperatures, if there are any."""
    others = _others(comparison, metric)
    return [method for method in others if method.temperature is None and not method.outside] or others


def _others(comparison: Comparison, metric: str) -> list[ComparedMethod]:
    """Return all methods but the baseline that the metric was measured of; an outside system has no NLL."""
    names = [method for method in comparison.methods if method.name != comparison.baseline]
    return [method for method in names if comparison.row(metric, "all", method.name)]


def _row(comparison: Comparison, metric: str, over: str, method: str) -> Row:
    row = comparison.row(metric, over, method)
    assert row is not None  # a metric is there for every method
    return row


def _difference(comparison: Comparison, metric: str, over: str, method: ComparedMethod) -> Difference:
    difference = _row(comparison, metric, over, method.name).difference
    assert difference is not None  # all but the baseline have one
    return difference


def _told(comparison: Comparison, metric: str, method: ComparedMethod) -> list[str]:
    """Return the averages to speak of; one group is all directions. None where these do not translate yet."""
    groups = [group for group in GROUPS if comparison.row(metric, group, method.name)]
    high = [
        group
        for group in (groups if len(groups) > 2 else groups[:1])
        if not is_too_low(
            _row(comparison, metric, group, method.name), _row(comparison, metric, group, comparison.baseline)
        )
    ]
    return high if "all" in high else []


def _where(group: str) -> str:
    return "over all directions" if group == "all" else f"on {GROUPS[group]} ones"


def signed(value: float, digits: int = 1) -> str:
    """Return a difference with its sign, never a negative zero.

    >>> signed(-0.31), signed(-0.01), signed(2)
    ('−0.3', '0.0', '+2.0')
    """
    rounded = round(value, digits)
    return f"{abs(rounded):.{digits}f}" if rounded == 0 else f"{'−' if rounded < 0 else '+'}{abs(rounded):.{digits}f}"


def _certainty(comparison: Comparison, metric: str, method: ComparedMethod) -> str:
    """Say which of the differences are significant, in one sentence."""
    if not _difference(comparison, metric, "all", method).is_decidable:
        return f"One seed of {_list_single(comparison, method)} decides nothing: another may turn it round."
    found = {row.over: row.difference for row in comparison.rows if (row.metric, row.method) == (metric, method.name)}
    significant = {over: difference for over, difference in found.items() if difference and difference.significant}
    if not significant:
        return "No difference is significant: other seeds or sentences may turn it round."
    sign = 1 if METRICS[metric].higher_is_better else -1
    better = _list([over for over, difference in significant.items() if sign * difference.mean > 0])
    worse = _list([over for over, difference in significant.items() if sign * difference.mean < 0])
    return f"Significantly better {better}, worse {worse}."


def _list_single(comparison: Comparison, method: ComparedMethod) -> str:
    single = [m.name for m in (method, _baseline(comparison)) if len(m.seeds) == 1]
    return " and ".join(single)


def _list(names: Sequence[str]) -> str:
    """List groups by name and directions by number."""
    groups = [GROUPS[name] for name in names if name in GROUPS]
    directions = [name for name in names if name not in GROUPS]
    parts = [f"the average{'s' * (len(groups) > 1)} over {' and '.join(groups)} directions"] if groups else []
    if directions:
        parts.append(", ".join(directions) if len(directions) < 4 else f"{len(directions)} single directions")
    return f"on {' and on '.join(parts)}" if parts else "nowhere"


def _baseline(comparison: Comparison) -> ComparedMethod:
    return next(method for method in comparison.methods if method.name == comparison.baseline)


def _count_seeds(comparison: Comparison, method: ComparedMethod) -> str:
    """Count the seeds of the method, and of the baseline if it has another number."""
    own, base = len(method.seeds), len(_baseline(comparison).seeds)
    text = "One seed" if own == 1 else f"{own} seeds"
    return f"{text} each" if own == base else f"{text} against {'one' if base == 1 else base}"


def _spreads(comparison: Comparison, metric: str, method: ComparedMethod) -> list[str]:
    """Return a sentence if a difference spreads over seeds by as much as it is."""
    digits = METRICS[metric].digits
    found = {group: _difference(comparison, metric, group, method) for group in _told(comparison, metric, method)}
    rounded = {
        group: (abs(round(d.mean, digits)), round(d.seed_std, digits)) for group, d in found.items() if d.seed_std
    }
    wide = [group for group, (mean, spread) in rounded.items() if spread and spread >= mean]
    if not wide:
        return []
    spoken = " and ".join(f"±{rounded[group][1]:.{digits}f} {_where(group)}" for group in wide)
    return [f"Seeds move the difference by as much as it is: {spoken} (standard deviation)."]


def _better(comparison: Comparison, metric: str, spoken_of: ComparedMethod) -> list[str]:
    """Return a sentence on the method with the best average, if it is significant and not already spoken of."""
    sign = 1 if METRICS[metric].higher_is_better else -1
    found = {method.name: _difference(comparison, metric, "all", method) for method in _others(comparison, metric)}
    clear = {name: d for name, d in found.items() if d.significant and sign * d.mean > 0}
    best = max(clear, key=lambda name: sign * clear[name].mean, default=spoken_of.name)
    if best == spoken_of.name:
        return []
    gain = signed(clear[best].mean, METRICS[metric].digits)
    return [f"{best} is significantly better than {comparison.baseline}, by {gain} over all directions."]
