"""What the runs were trained on: pairs, shares, what each method drew, and how unbalanced it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from catscale.comparison.result import Comparison, Direction
from catscale.corpus_statistics.balance import measure_entropy
from catscale.report.history import Run, items
from catscale.sampling.temperature import temperature_shares


@dataclass(frozen=True)
class DataRow:
    """One direction's data.

    Attributes:
        direction: The direction.
        share: Of all train pairs.
        sampled: Method → share of the sentence pairs that it draws; None where it is not known.
    """

    direction: Direction
    share: float
    sampled: dict[str, float | None]


@dataclass(frozen=True)
class DataTable:
    """The data of the compared runs.

    Attributes:
        rows: From the smallest direction to the largest.
        total: Train pairs.
        entropy: Of the shares, in nats.
    """

    rows: list[DataRow]
    total: int
    entropy: float

    @property
    def entropy_base_10(self) -> float:
        """Of the shares, with base-10 logarithms, as the paper's Table 1 has it for TED and WMT."""
        return self.entropy / math.log(10)


def describe_data(comparison: Comparison, runs: Sequence[Run]) -> DataTable:
    """Sizes, shares and sampling shares, by direction."""
    total = sum(direction.pairs for direction in comparison.directions)
    sampled = {method.name: sampling_of(method.name, comparison.directions, runs) for method in comparison.methods}
    rows = [
        DataRow(d, d.pairs / total, {method: shares.get(d.name) for method, shares in sampled.items()})
        for d in comparison.directions
    ]
    return DataTable(rows, total, measure_entropy([row.share for row in rows]))


def sampling_of(method: str, directions: Sequence[Direction], runs: Sequence[Run]) -> dict[str, float]:
    """Share of the sentence pairs by direction: the learnt ones at the end, or those of the temperature.

    Returns:
        Empty where the method's first run says neither.
    """
    run = next((run for run in runs if run.method == method), None)
    if run is None:
        return {}
    if run.sample:
        return dict(items(run.sample[-1], "probabilities"))
    sampling = run.config.get("sampling") or {}
    temperature = sampling.get("temperature")
    if sampling.get("method", "temperature") != "temperature" or not isinstance(temperature, int | float):
        return {}
    shares = temperature_shares([direction.pairs for direction in directions], temperature)
    return dict(zip((direction.name for direction in directions), shares.tolist(), strict=True))
