"""Runs of one method that are one model several times, whose agreement says nothing of other seeds."""

from collections.abc import Collection, Sequence

import numpy as np

from catscale.comparison.result import ComparedMethod
from catscale.comparison.translations import RunTexts
from catscale.evaluation.metrics.table import METRICS


def list_copies(
    methods: Sequence[ComparedMethod], members: Sequence[Sequence[int]], texts: Collection[Sequence[RunTexts]]
) -> list[str]:
    """Name the copies.

    Args:
        methods: All methods.
        members: Places of each one's runs.
        texts: The texts of all runs, by direction.

    Returns:
        A line for each method with two runs whose translations, and NLL by sentence, are the same throughout.
    """
    lines = []
    for method, places in zip(methods, members, strict=True):
        pairs = [
            (method.folders[i], method.folders[j])
            for j in range(len(places))
            for i in range(j)
            if all(_are_alike(found[places[i]], found[places[j]]) for found in texts)
        ]
        if pairs:
            lines.append(
                f"{pairs[0][0]} and {pairs[0][1]} have the same translations and NLL: one model twice says nothing of "
                f"other seeds, and differences of {method.name} look surer than they are; leave one of them out"
            )
    return lines


def _are_alike(one: RunTexts, other: RunTexts) -> bool:
    of_model = [name for name in one.counts if METRICS[name].of_model and name in other.counts]
    if not all(np.array_equal(one.counts[name], other.counts[name]) for name in of_model):
        return False
    return one.hypotheses == other.hypotheses
