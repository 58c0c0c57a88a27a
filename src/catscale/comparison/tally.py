"""Rows of the table, from the scores of resampled test sets, direction by direction.

Legend: B resamples, M methods.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from catscale.comparison.correction import LEVEL, holm
from catscale.comparison.resampling import bootstrap, interval, p_randomisation, p_sacrebleu, p_two_sided, randomise
from catscale.comparison.result import Difference, Method, Metric, Row
from catscale.comparison.seeds import judge, pool_seeds
from catscale.comparison.segments import Statistics

Floats = NDArray[np.float64]


@dataclass
class _Average:
    """Sums over the directions of a group, of each run's score and of each method's resampled scores."""

    directions: int = 0
    values: Floats = field(default_factory=lambda: np.zeros(()))
    draws: Floats = field(default_factory=lambda: np.zeros(()))

    def add(self, values: Floats, draws: Floats) -> None:
        self.directions += 1
        self.values, self.draws = self.values + values, self.draws + draws


class Tally:
    """Makes the rows of one direction after the other, and those of the groups at the end.

    An average's resample is the mean of one resample of each of its directions, drawn independently: the test set of a
    group has as many sentences of each direction in every resample.

    Args:
        methods: M methods, in the order of the table.
        members: Runs of each method: their places in the statistics.
        baseline: Name of the method that the others are compared with.
        resamples: B, of the bootstrap and of the randomisation.
        seed: Of the resampling; a direction's resamples depend on it and on the direction's name alone.
    """

    def __init__(
        self, methods: Sequence[Method], members: Sequence[Sequence[int]], baseline: str, resamples: int, seed: int
    ) -> None:
        self._methods, self._members = methods, members
        self._base = [method.name for method in methods].index(baseline)
        self._resamples, self._seed = resamples, seed
        self._averages: dict[tuple[Metric, str], _Average] = {}
        self._rows: list[Row] = []

    def add(self, direction: str, group: str, statistics: Sequence[Statistics]) -> None:
        """Resample one direction.

        Args:
            direction: Its name.
            group: Its resource group.
            statistics: The metrics', of all runs on the same sentences.
        """
        rng = np.random.default_rng([self._seed, *direction.encode()])
        draws = bootstrap(statistics, self._members, rng, self._resamples)
        theirs = self._members[self._base]
        pairs = [list(zip(ours, theirs, strict=False)) for ours in self._members]
        exchanged = randomise(statistics, pairs, rng, self._resamples)
        for measured, drawn, swapped in zip(statistics, draws, exchanged, strict=True):
            values = measured.corpus_scores()
            observed = [np.mean([values[a] - values[b] for a, b in of_method]) for of_method in pairs]
            p_values = [p_randomisation(swapped[:, i], float(d)) for i, d in enumerate(observed)]
            self._rows += self._make_rows(measured.metric, direction, values, drawn, p_values)
            for over in ("all", group):
                self._averages.setdefault((measured.metric, over), _Average()).add(values, drawn)

    def rows(self, order: Sequence[str]) -> tuple[list[Row], int]:
        """All rows, corrected for their number.

        Args:
            order: Directions and groups, in the order of the table.

        Returns:
            Rows by metric, direction or group, and method; and the number of comparisons of one metric.
        """
        averages = [
            row
            for (metric, over), sums in self._averages.items()
            for row in self._make_rows(metric, over, sums.values / sums.directions, sums.draws / sums.directions)
        ]
        rows = [*self._rows, *averages]
        metrics = list(dict.fromkeys(row.metric for row in rows))
        rows.sort(key=lambda row: (metrics.index(row.metric), order.index(row.over)))  # methods keep their order
        tables = [_correct([row for row in rows if row.metric == metric]) for metric in metrics]
        return [row for table in tables for row in table], sum(row.difference is not None for row in tables[0])

    def _make_rows(
        self, metric: Metric, over: str, values: Floats, draws: Floats, randomised: Sequence[float] | None = None
    ) -> list[Row]:
        """One row a method from (R,) scores and (B, M) resampled ones."""
        base, rows = values[self._members[self._base]], []
        noise = pool_seeds([values[members].tolist() for members in self._members])
        for i, (method, members) in enumerate(zip(self._methods, self._members, strict=True)):
            own = values[members]
            row = Row(metric, over, method.name, own.tolist(), float(own.mean()), _std(own), interval(draws[:, i]))
            if i != self._base:
                compared = draws[:, i] - draws[:, self._base]
                mean, p_value = float(own.mean() - base.mean()), None if randomised is None else randomised[i]
                two_sided, p_seeds, interval_seeds = p_two_sided(compared, mean), None, None
                if noise is not None:
                    p_seeds, interval_seeds = judge(mean, float(compared.std()), noise, len(own), len(base))
                difference = Difference(
                    mean=mean,
                    interval=interval(compared),
                    seed_std=self._seed_std(i, own, base),
                    p_bootstrap=p_sacrebleu(compared, mean),
                    p_randomisation=p_value,
                    p_corrected=1.0,  # corrected when all are known
                    significant=False,
                    p_two_sided=two_sided,
                    p_seeds=p_seeds,
                    interval_seeds=interval_seeds,
                )
                row = replace(row, difference=difference)
            rows.append(row)
        return rows

    def _seed_std(self, i: int, own: Floats, base: Floats) -> float | None:
        """Spread of the difference between seeds: of the paired ones where both have the same seeds."""
        if self._methods[i].seeds == self._methods[self._base].seeds:
            return _std(own - base)
        stds = [_std(own), _std(base)]
        return None if None in stds else float(np.sqrt(sum(s * s for s in stds if s is not None)))


def _std(values: Floats) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _correct(rows: Sequence[Row]) -> list[Row]:
    """The rows of one metric with Holm's correction for all of its differences."""
    differences = [row.difference for row in rows if row.difference is not None]
    corrected = iter(holm([difference.p_decisive for difference in differences]))
    done = []
    for row in rows:
        if row.difference is not None:
            p_value = next(corrected)
            difference = replace(row.difference, p_corrected=p_value, significant=p_value < LEVEL)
            row = replace(row, difference=difference)
        done.append(row)
    return done
