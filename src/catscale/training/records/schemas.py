"""The keys that each line of `metrics.jsonl` must hold (docs/run.md).

Numbers may be null, which stands for those that were not finite or not measured; keys other than `kind` and `step` may
be missing, as from earlier versions.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import create_model

from catscale.analysis.schemas import Analysis, ByTask, NumberOrNull
from catscale.evaluation.metrics.table import METRICS
from catscale.system.reading.schema import Count, FileSchema, NotNegative, Text


class MetricsRecord(FileSchema):
    """A line of any kind, those of later versions among them."""

    kind: Text
    step: Count
    time: NotNegative = 0.0


class TrainRecord(MetricsRecord):
    """Training loss and speed."""

    loss: NumberOrNull = None
    learning_rate: NumberOrNull = None
    tokens_per_second: NumberOrNull = None
    tokens: Count | None = None
    nll: ByTask | None = None
    mean: NumberOrNull = None


class AverageScores(FileSchema):
    """Validation NLL of an average of parameters, and of how many models or updates it is one."""

    of: Count | None = None
    nll: ByTask | None = None
    mean: NumberOrNull = None


class BestModel(FileSchema):
    """The best model so far: single or an average, its step, and the NLL that it was chosen by."""

    model: Text | None = None
    step: Count | None = None
    nll: NumberOrNull = None


class ValidationRecord(MetricsRecord):
    """Validation NLL, target tokens trained on so far, and the shares of parts that languages and directions use."""

    tokens: Count | None = None
    epochs: ByTask | None = None
    nll: ByTask | None = None
    mean: NumberOrNull = None
    average: dict[Text, AverageScores] | None = None
    best: BestModel | None = None
    usage: dict[Text, dict[Text, NumberOrNull]] | None = None
    gates: dict[Text, NumberOrNull] | None = None
    overlap: dict[Text, dict[Text, NumberOrNull]] | None = None
    given_up: list[Text] | None = None
    dropout: ByTask | None = None


class BaseRecord(MetricsRecord):
    """NLL on all of dev of the model that training starts from."""

    nll: ByTask | None = None
    mean: NumberOrNull = None


_SCORES: dict[str, Any] = {name: (ByTask | None, None) for name, metric in METRICS.items() if not metric.of_model}
ValidRecord = create_model("ValidRecord", __base__=ValidationRecord, **_SCORES)
"""A validation with the scores of a part of dev by task, in the requested metrics."""


class BalanceRecord(MetricsRecord):
    """Weights of the tasks."""

    weights: ByTask | None = None
    multipliers: dict[str, NumberOrNull | list[NumberOrNull]] | None = None
    curvature: NumberOrNull = None
    gradient_norms: ByTask | None = None
    signal_to_noise: ByTask | None = None
    cosine: NumberOrNull = None


class SampleRecord(MetricsRecord):
    """Probabilities of the tasks."""

    probabilities: ByTask | None = None
    rewards: ByTask | None = None
    variances: ByTask | None = None
    dev_squares: ByTask | None = None
    entropy: NumberOrNull = None


class SkipRecord(MetricsRecord):
    """A step that was passed over."""

    what: Text | None = None
    task: Text | None = None
    reason: Text | None = None
    total: Count | None = None


class AnalysisRecord(MetricsRecord, Analysis):
    """A measurement that the run made while it trained."""


RECORDS: Mapping[str, type[MetricsRecord]] = {
    "train": TrainRecord,
    "base": BaseRecord,
    "valid": ValidRecord,
    "balance": BalanceRecord,
    "sample": SampleRecord,
    "skip": SkipRecord,
    "analysis": AnalysisRecord,
}
