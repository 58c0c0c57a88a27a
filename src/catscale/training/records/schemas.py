"""What the lines of `metrics.jsonl` and the records of `analysis.json` must hold (docs/run.md, docs/analysis.md).

Numbers may be null, which stands for those that were not finite or not measured; keys other than `kind` and `step` may
be missing, as from earlier versions.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from catscale.data.direction import DirectionName
from catscale.system.reading.schema import Count, FileSchema, NotNegative, Number, Text

Measured = Number | None
ByTask = dict[DirectionName, Measured]
Group = Annotated[str, Field(pattern=r"^[A-Za-z.]{1,20}$")]
"""A group of modules, as in `E.SA`, or "all"."""


class MetricsRecord(FileSchema):
    """A line of any kind, those of later versions among them."""

    kind: Text
    step: Count
    time: NotNegative = 0.0


class TrainRecord(MetricsRecord):
    """Training loss and speed."""

    loss: Measured = None
    learning_rate: Measured = None
    tokens_per_second: Measured = None
    tokens: Count | None = None
    nll: ByTask | None = None
    mean: Measured = None


class ValidRecord(MetricsRecord):
    """Validation NLL, target tokens trained on so far; BLEU and chrF of a part of dev, where they were asked for."""

    tokens: Count | None = None
    nll: ByTask | None = None
    mean: Measured = None
    bleu: ByTask | None = None
    chrf: ByTask | None = None


class BalanceRecord(MetricsRecord):
    """Weights of the tasks."""

    weights: ByTask | None = None
    multipliers: dict[str, Measured | list[Measured]] | None = None
    curvature: Measured = None
    gradient_norms: ByTask | None = None


class SampleRecord(MetricsRecord):
    """Probabilities of the tasks."""

    probabilities: ByTask | None = None
    rewards: ByTask | None = None
    entropy: Measured = None


class SkipRecord(MetricsRecord):
    """A step that was passed over."""

    what: Text | None = None
    task: Text | None = None
    reason: Text | None = None
    total: Count | None = None


class Curvature(FileSchema):
    """Curvature of one task, or of the total."""

    lambda_max: Measured = None
    residual: Measured = None
    iterations: Count | None = None
    converged: bool | None = None
    eigenvalues: list[Measured] | None = None
    trace: Measured = None
    trace_error: Measured = None
    fisher_trace: Measured = None
    fisher_error: Measured = None


class TotalCurvature(Curvature):
    """Curvature of the weighted total."""

    weights: ByTask | None = None
    squared_gradient: Measured = None


class ResourcePairs(FileSchema):
    """Mean similarity over the pairs of two groups."""

    mean: Measured = None
    error: Measured = None
    pairs: Count | None = None


class AnalysisSettings(FileSchema):
    """What the numbers depend on."""

    split: Literal["train", "dev"] = "train"


PairName = Annotated[str, Field(pattern=r"^\w{1,32}-\w{1,32}\|\w{1,32}-\w{1,32}$")]
Similarities = dict[Literal["direction", "magnitude"], dict[Group, dict[PairName, Measured]]]


class Analysis(FileSchema):
    """A measurement of the loss landscape."""

    step: Count
    curvature: dict[DirectionName, Curvature] | None = None
    total: TotalCurvature | None = None
    curvature_groups: dict[Group, dict[DirectionName, Curvature]] | None = None
    similarity: Similarities | None = None
    similarity_error: Similarities | None = None
    similarity_by_resource: (
        dict[Literal["direction", "magnitude"], dict[Group, dict[Text, ResourcePairs | None]]] | None
    ) = None
    gradient_norms: ByTask | None = None
    seconds: dict[Text, NotNegative] | None = None
    settings: AnalysisSettings = AnalysisSettings()


class AnalysisRecord(MetricsRecord, Analysis):
    """A measurement that the run made while it trained."""


class AnalysisFile(Analysis):
    """`analysis.json`: the newest measurement, and the earlier ones."""

    history: list[Analysis] = Field(max_length=1_000_000)


RECORDS: Mapping[str, type[MetricsRecord]] = {
    "train": TrainRecord,
    "valid": ValidRecord,
    "balance": BalanceRecord,
    "sample": SampleRecord,
    "skip": SkipRecord,
    "analysis": AnalysisRecord,
}
