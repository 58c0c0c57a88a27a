"""The table of the training data: pairs, shares, what each method drew, and the imbalance."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from catscale.comparison.result import ComparedDirection, Comparison
from catscale.corpus_statistics.balance import measure_entropy
from catscale.data.direction import Direction, LanguageNameError, list_old
from catscale.errors import ConfigError
from catscale.report.history import Run, items
from catscale.sampling.sampler import Sampler
from catscale.sampling.table import SamplingConfig
from catscale.training.config import TrainingConfig

SAMPLING: TypeAdapter[Any] = TypeAdapter(SamplingConfig)
LOOKED_AT = 1000
"""Steps of a schedule that are averaged over, at most."""


@dataclass(frozen=True)
class DataRow:
    """One direction's data.

    Attributes:
        direction: The direction.
        share: The share of all train pairs.
        sampled: Method → share of the sentence pairs that it drew, expected over the training; None where it is not
            known.
    """

    direction: ComparedDirection
    share: float
    sampled: dict[str, float | None]


@dataclass(frozen=True)
class DataTable:
    """The data of the compared runs.

    Attributes:
        rows: The rows, from the smallest direction to the largest.
        total: Train pairs.
        entropy: The entropy of the shares, in nats.
    """

    rows: list[DataRow]
    total: int
    entropy: float

    @property
    def entropy_base_10(self) -> float:
        """The entropy of the shares with base-10 logarithms, as the paper's Table 1 has it for TED and WMT."""
        return self.entropy / math.log(10)


def describe_data(comparison: Comparison, runs: Sequence[Run]) -> DataTable:
    """Return sizes, shares and sampling shares, by direction."""
    total = sum(direction.pairs for direction in comparison.directions)
    sampled = {method.name: sampling_of(method.name, comparison.directions, runs) for method in comparison.methods}
    rows = [
        DataRow(d, d.pairs / total, {method: shares.get(d.name) for method, shares in sampled.items()})
        for d in comparison.directions
    ]
    return DataTable(rows, total, measure_entropy([row.share for row in rows]))


def sampling_of(method: str, directions: Sequence[ComparedDirection], runs: Sequence[Run]) -> dict[str, float]:
    """Return the share of the sentence pairs by direction, mean over the steps of the training.

    A schedule's are its own; a learnt mixture's are those that it began with, then those on record after each of its
    updates.

    Returns:
        Empty where the method's first run does not say.
    """
    run = next((run for run in runs if run.method == method), None)
    if run is None or not run.train:
        return {}
    steps = int(run.train[-1]["step"])
    try:
        settings = SAMPLING.validate_python(run.config.get("sampling") or {}).for_training(steps)
        sizes = {direction.name: direction.pairs for direction in directions}
        sizes = run.environment.get("train_pairs") or sizes
        added = (run.config.get("model") or {}).get("new_languages") or ()
        old = list_old(map(Direction.parse, sizes), added) if added else []
        sampler = Sampler(_fit_to_data(settings, run, sizes), sizes, list(map(str, old)))
    except (ValidationError, ConfigError, LanguageNameError):  # of a later version, or of tasks that are not known here
        return {}
    if sampler.request is None:
        looked_at = range(1, steps + 1, -(-steps // LOOKED_AT))
        shares = np.mean([sampler.probabilities(step) for step in looked_at], axis=0)
        return dict(zip(sampler.tasks, shares.tolist(), strict=True))
    first = dict(zip(sampler.tasks, sampler.probabilities(1).tolist(), strict=True))
    parts = [(0, first), *((int(record["step"]), dict(items(record, "probabilities"))) for record in run.sample)]
    ends = [*(step for step, _ in parts[1:]), steps]
    weighted = [((end - begin) / steps, known) for (begin, known), end in zip(parts, ends, strict=True)]
    return {task: sum(weight * known.get(task, 0.0) for weight, known in weighted) for task in sampler.tasks}


def _fit_to_data(settings: Any, run: Run, sizes: Mapping[str, int]) -> Any:
    """Return a sampler's settings with those filled in that follow from the data, where the run recorded these."""
    tokens = run.environment.get("train_tokens") or {}
    if not tokens:
        return settings
    lengths = {task: tokens.get(task, 0) / size for task, size in sizes.items() if size}
    return settings.for_data(lengths, TrainingConfig(**run.config.get("training") or {}).step_tokens)
