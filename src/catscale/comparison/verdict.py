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
        f"{best.name}{chosen}, against {comparison.baseline} ({_short_reason(comparison)}), {_count_seeds(best)}: "
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


def _count_seeds(method: Method) -> str:
    return "one seed" if len(method.seeds) == 1 else f"{len(method.seeds)} seeds"


def _differences(comparison: Comparison, method: Method) -> str:
    """Over all directions, then over the groups, with 95% intervals."""
    groups = [group for group in GROUPS if comparison.row("bleu", group, method.name)]
    told = groups if len(groups) > 2 else groups[:1]  # one group is all directions
    parts = []
    for group in told:
        found = _difference(comparison, group, method)
        low, high = found.interval
        where = "over all directions" if group == "all" else f"on {GROUPS[group]} ones"
        parts.append(f"{signed(found.mean)} [{signed(low)}, {signed(high)}] {where}")
    return ", ".join(parts)


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
    if not can_be_significant(comparison.resamples, comparison.corrected_for):
        return f"{comparison.resamples:,} resamples are too few to call any difference significant {correction}"
    found = {row.over: row.difference for row in comparison.rows if (row.metric, row.method) == ("bleu", method.name)}
    significant = {over: difference for over, difference in found.items() if difference and difference.significant}
    if not significant:
        return f"no difference is significant {correction}"
    better = _list([over for over, difference in significant.items() if difference.mean > 0])
    worse = _list([over for over, difference in significant.items() if difference.mean < 0])
    return f"significantly better {better} and worse {worse} {correction}"


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
    """How much the seeds differ, next to the difference."""
    difference = _difference(comparison, "all", method)
    if difference.seed_std is None:
        return "one seed, so that what another seed would change is not known"
    spread = f"seeds spread by ±{difference.seed_std:.1f}"
    return f"{spread}, as much as the difference" if difference.seed_std >= abs(difference.mean) else spread


def _better(comparison: Comparison, others: Sequence[Method], spoken_of: Method) -> list[str]:
    """The method with the highest average, where it is significantly better than the baseline and not yet named."""
    found = [m for m in others if (d := _difference(comparison, "all", m)).significant and d.mean > 0]
    if not found:
        return []
    best = max(found, key=lambda method: _row(comparison, "all", method).mean)
    if best.name == spoken_of.name:
        return []
    difference = _difference(comparison, "all", best)
    return [f"{best.name} is significantly better than {comparison.baseline}, by {signed(difference.mean)}"]
