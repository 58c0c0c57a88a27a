"""Rows of the table, from the scores of resampled test sets, direction by direction.

Legend: B resamples, M methods.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from catscale.comparison.correction import SIGNIFICANCE, holm
from catscale.comparison.resampling import (
    Resampled,
    bootstrap,
    interval,
    p_randomisation,
    p_sacrebleu,
    p_two_sided,
    randomise,
)
from catscale.comparison.result import ComparedMethod, Difference, Row
from catscale.comparison.seeds import Seeds, judge
from catscale.evaluation.metrics.contract import Floats, Statistics


@dataclass
class _Average:
    """Sums over the D directions of a group, of each run's score and of each method's resampled scores."""

    directions: int = 0
    values: Floats = field(default_factory=lambda: np.zeros(()))
    draws: Floats = field(default_factory=lambda: np.zeros(()))
    within: Floats = field(default_factory=lambda: np.zeros(()))

    def add(self, values: Floats, resampled: Resampled) -> None:
        self.directions += 1
        self.values, self.draws = self.values + values, self.draws + resampled.draws
        self.within = self.within + resampled.within

    def mean(self) -> tuple[Floats, Resampled]:
        """Return the means; directions are resampled independently, so that the variance of theirs is Σ / D²."""
        count = self.directions
        return self.values / count, Resampled(self.draws / count, self.within / count**2)


class Tally:
    """Makes the rows of one direction after the other, and those of the groups at the end.

    An average's resample is the mean of one resample of each of its directions, drawn independently: the test set of a
    group has as many sentences of each direction in every resample.

    Args:
        methods: M methods, in the order of the table.
        members: Runs of each method: their places in the statistics.
        baseline: Name of the method that the others are compared with.
        resamples: B, of the bootstrap and of the randomisation.
        seed: The seed of the resampling; a direction's resamples depend on it and on the direction's name alone.
        is_given: Whether the baseline is one given system, of which there are no other seeds. Methods are then judged
            by sentences alone, as the systems that they are, and there is no average over all.
    """

    def __init__(
        self,
        methods: Sequence[ComparedMethod],
        members: Sequence[Sequence[int]],
        baseline: str,
        resamples: int,
        seed: int,
        is_given: bool = False,
    ) -> None:
        self._methods, self._members, self._is_given = methods, members, is_given
        self._base = [method.name for method in methods].index(baseline)
        self._resamples, self._seed = resamples, seed
        self._averages: dict[tuple[str, str], _Average] = {}
        self._rows: list[Row] = []

    def add(self, direction: str, group: str, statistics: Sequence[Statistics]) -> None:
        """Resample one direction.

        Args:
            direction: The name of the direction.
            group: The resource group of the direction.
            statistics: The metrics', of all runs on the same sentences.
        """
        rng = np.random.default_rng([self._seed, *direction.encode()])
        resampled = bootstrap(statistics, self._members, rng, self._resamples)
        theirs = self._members[self._base]
        pairs = [list(zip(ours, theirs, strict=False)) for ours in self._members]
        exchanged = randomise(statistics, pairs, rng, self._resamples)
        for measured, drawn, swapped in zip(statistics, resampled, exchanged, strict=True):
            values = measured.corpus_scores()
            observed = [np.mean([values[a] - values[b] for a, b in of_method]) for of_method in pairs]
            p_values = [p_randomisation(swapped[:, i], float(d)) for i, d in enumerate(observed)]
            self._rows += self._make_rows(measured.metric, direction, values, drawn, p_values)
            for over in (group,) if self._is_given else ("all", group):
                self._averages.setdefault((measured.metric, over), _Average()).add(values, drawn)

    def rows(self, order: Sequence[str]) -> tuple[list[Row], int]:
        """Return all rows, corrected for their number.

        Args:
            order: Directions and groups, in the order of the table.

        Returns:
            Rows by metric, direction or group, and method; and the number of comparisons of one metric.
        """
        averages = [
            row
            for (metric, over), sums in self._averages.items()
            for row in self._make_rows(metric, over, *sums.mean())
        ]
        rows = [*self._rows, *averages]
        metrics = list(dict.fromkeys(row.metric for row in rows))
        rows.sort(key=lambda row: (metrics.index(row.metric), order.index(row.over)))  # methods keep their order
        tables = [_correct([row for row in rows if row.metric == metric], self._is_given) for metric in metrics]
        return [row for table in tables for row in table], _count_comparisons(tables[0])

    def _make_rows(
        self,
        metric: str,
        over: str,
        values: Floats,
        resampled: Resampled,
        randomised: Sequence[float | None] | None = None,
    ) -> list[Row]:
        """Make one row per method from (R,) scores and resampled ones."""
        rows = []
        for i, (method, members) in enumerate(zip(self._methods, self._members, strict=True)):
            own = values[members]
            if np.isnan(own).any():  # an outside system has no NLL
                continue
            row = Row(
                metric, over, method.name, own.tolist(), float(own.mean()), _std(own), interval(resampled.draws[:, i])
            )
            if i != self._base:
                p_value = None if randomised is None else randomised[i]
                row = replace(row, difference=self._compare(i, values, resampled, p_value))
            rows.append(row)
        return rows

    def _compare(self, i: int, values: Floats, resampled: Resampled, p_randomised: float | None) -> Difference:
        """Compare the i-th method with the baseline; p-values are corrected when all are known."""
        own, base = values[self._members[i]], values[self._members[self._base]]
        compared, mean = resampled.draws[:, i] - resampled.draws[:, self._base], float(own.mean() - base.mean())
        ours = Seeds.of(own.tolist(), float(resampled.within[i]))
        theirs = Seeds.of(base.tolist(), float(resampled.within[self._base]))
        p_seeds, interval_seeds = None, None
        if ours is not None and theirs is not None:
            p_seeds, interval_seeds = judge(mean, float(compared.std()), ours, theirs)
        return Difference(
            mean=mean,
            interval=interval(compared),
            seed_std=self._seed_std(i, own, base),
            p_bootstrap=p_sacrebleu(compared, mean),
            p_randomisation=p_randomised,
            p_corrected=1.0,
            significant=False,
            p_two_sided=p_two_sided(compared, mean),
            p_seeds=p_seeds,
            interval_seeds=interval_seeds,
        )

    def _seed_std(self, i: int, own: Floats, base: Floats) -> float | None:
        """Return the spread of the difference over seeds: of paired ones where both have the same seeds."""
        if self._is_given:
            return _std(own)
        if self._methods[i].seeds == self._methods[self._base].seeds:
            return _std(own - base)
        stds = [_std(own), _std(base)]
        return None if None in stds else float(np.sqrt(sum(s * s for s in stds if s is not None)))


def _count_comparisons(rows: Sequence[Row]) -> int:
    """Count what decides of one metric: the differences over seeds, or all of them where none has two seeds."""
    differences = [row.difference for row in rows if row.difference is not None]
    return sum(difference.is_decidable for difference in differences) or len(differences)


def _std(values: Floats) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _correct(rows: Sequence[Row], is_given: bool) -> list[Row]:
    """Correct the differences of one metric for their number, those over seeds and those over sentences apart.

    A single run on one of the two sides decides nothing on methods, whatever its p-value over sentences, unless it is a
    given system (`is_given`), beside which runs are judged as the systems that they are.
    """
    done = {}
    for over_seeds in (True, False):
        found = [i for i, row in enumerate(rows) if row.difference and row.difference.is_decidable == over_seeds]
        for i, p_value in zip(found, holm([_difference(rows[i]).p_decisive for i in found]), strict=True):
            significant = (over_seeds or is_given) and p_value < SIGNIFICANCE
            done[i] = replace(_difference(rows[i]), p_corrected=p_value, significant=significant)
    return [replace(row, difference=done.get(i)) for i, row in enumerate(rows)]


def _difference(row: Row) -> Difference:
    assert row.difference is not None  # the caller has left the baseline's rows out
    return row.difference
