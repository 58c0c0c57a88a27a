"""The result in one sentence, with its uncertainty."""

from collections.abc import Sequence

from catscale.comparison.correction import LEVEL
from catscale.comparison.result import GROUPS, Comparison, Difference, Method, Row


def state_verdict(comparison: Comparison) -> str:
    """Say what the methods gain or lose against the baseline, how sure that is, and what is not known.

    One method is spoken of: the only one that is no plain temperature, or the one with the highest BLEU over all
    directions where there are several (which flatters it, and is said). Others are named where their average over all
    directions is significantly better than the baseline's.
    """
    others = [method for method in comparison.methods if method.name != comparison.baseline]
    if not others:
        return f"Only {comparison.baseline} was given: there is nothing to compare it with."
    candidates = [method for method in others if method.temperature is None] or others
    best = max(candidates, key=lambda method: _row(comparison, "all", method).mean)
    chosen = f", the highest BLEU of {len(candidates)} methods" if len(candidates) > 1 else ""
    parts = [_significance(comparison, best), _seeds(comparison, best), *_better(comparison, others, best)]
    return (
        f"{best.name}{chosen}, against {comparison.baseline} ({_short_reason(comparison)}), "
        f"{_count_seeds(comparison, best)}: "
        f"BLEU {_differences(comparison, best)}; {'; '.join(parts)}."
    )


def _row(comparison: Comparison, over: str, method: Method) -> Row:
    row = comparison.row("bleu", over, method.name)
    assert row is not None  # BLEU is there for every method
    return row


def _difference(comparison: Comparison, over: str, method: Method) -> Difference:
    difference = _row(comparison, over, method).difference
    assert difference is not None  # all but the baseline have one
    return difference


def _short_reason(comparison: Comparison) -> str:
    return comparison.baseline_reason.partition(":")[0]


def _count_seeds(comparison: Comparison, method: Method) -> str:
    """Of the method, and of the baseline where it has another number."""
    own, base = len(method.seeds), len(_baseline(comparison).seeds)
    text = "one seed" if own == 1 else f"{own} seeds"
    return text if own == base else f"{text} against {'one' if base == 1 else base}"


def _baseline(comparison: Comparison) -> Method:
    return next(method for method in comparison.methods if method.name == comparison.baseline)


def _told(comparison: Comparison, method: Method) -> list[str]:
    """The averages that are spoken of; one group is all directions."""
    groups = [group for group in GROUPS if comparison.row("bleu", group, method.name)]
    return groups if len(groups) > 2 else groups[:1]


def _where(group: str) -> str:
    return "over all directions" if group == "all" else f"on {GROUPS[group]} ones"


def _differences(comparison: Comparison, method: Method) -> str:
    """Over all directions, then over the groups, with their spread over seeds and 95% intervals."""
    parts = []
    for group in _told(comparison, method):
        found = _difference(comparison, group, method)
        low, high = found.widest
        parts.append(f"{signed(found.mean)}{_spread(found)} [{signed(low)}, {signed(high)}] {_where(group)}")
    return ", ".join(parts)


def _spread(difference: Difference) -> str:
    return "" if difference.seed_std is None else f" ±{difference.seed_std:.1f}"


def signed(value: float, digits: int = 1) -> str:
    """A difference with its sign, never a negative zero.

    >>> signed(-0.31), signed(-0.01), signed(2)
    ('−0.3', '0.0', '+2.0')
    """
    rounded = round(value, digits)
    return f"{abs(rounded):.{digits}f}" if rounded == 0 else f"{'−' if rounded < 0 else '+'}{abs(rounded):.{digits}f}"


def _significance(comparison: Comparison, method: Method) -> str:
    """Which of the BLEU differences are significant."""
    correction = f"after correcting for {comparison.corrected_for} comparisons"
    if not comparison.knows_seeds and not can_be_significant(comparison.resamples, comparison.corrected_for):
        return f"{comparison.resamples:,} resamples are too few to call any difference significant {correction}"
    found = {row.over: row.difference for row in comparison.rows if (row.metric, row.method) == ("bleu", method.name)}
    significant = {over: difference for over, difference in found.items() if difference and difference.significant}
    if not significant:
        return f"no difference in BLEU is significant {correction}"
    better = _list([over for over, difference in significant.items() if difference.mean > 0])
    worse = _list([over for over, difference in significant.items() if difference.mean < 0])
    return f"in BLEU significantly better {better} and worse {worse} {correction}"


def can_be_significant(resamples: int, comparisons: int) -> bool:
    """Whether the smallest p-value of a bootstrap, 1 / (resamples + 1), survives the correction."""
    return comparisons / (resamples + 1) < LEVEL


def _list(names: Sequence[str]) -> str:
    """Groups by name and directions by number."""
    groups = [f"the average over {GROUPS[name]} directions" for name in names if name in GROUPS]
    directions = [name for name in names if name not in GROUPS]
    if directions:
        groups.append(", ".join(directions) if len(directions) < 4 else f"{len(directions)} directions")
    return f"on {', '.join(groups)}" if groups else "nowhere"


def _seeds(comparison: Comparison, method: Method) -> str:
    """What the seeds say of the differences: nothing, or where they spread by as much."""
    found = {group: _difference(comparison, group, method) for group in _told(comparison, method)}
    if found["all"].seed_std is None:
        single = [m.name for m in (method, _baseline(comparison)) if len(m.seeds) == 1]
        unknown = "so that what another seed would change is not known: it decides nothing"
        return f"one seed of {' and '.join(single)}, {unknown}"
    spreads = {group: (abs(round(d.mean, 1)), round(d.seed_std or 0, 1)) for group, d in found.items()}
    wide = [_where(group) for group, (mean, spread) in spreads.items() if spread and spread >= mean]
    large = f", as large as the difference {_join(wide)}" if wide else ""
    return (
        f"± is the standard deviation of a difference over seeds{large}; intervals and significance are over sentences "
        "and seeds together"
    )


def _join(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _better(comparison: Comparison, others: Sequence[Method], spoken_of: Method) -> list[str]:
    """The method with the highest average, where it is significantly better than the baseline and not yet named."""
    found = [m for m in others if (d := _difference(comparison, "all", m)).significant and d.mean > 0]
    if not found:
        return []
    best = max(found, key=lambda method: _row(comparison, "all", method).mean)
    if best.name == spoken_of.name:
        return []
    difference = _difference(comparison, "all", best)
    gain = f"{signed(difference.mean)}{_spread(difference)}"
    return [f"{best.name} is significantly better than {comparison.baseline}, by {gain}"]
