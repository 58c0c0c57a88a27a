"""The keys that each record of `analysis.json` must hold (docs/analysis.md).

Numbers may be null, which stands for those that were not finite or not measured; keys other than `step` may be
missing, as from earlier versions.
"""

from typing import Annotated, Literal

from pydantic import Field

from catscale.data.direction import DirectionName
from catscale.system.reading.schema import Count, FileSchema, NotNegative, Number, Text

NumberOrNull = Number | None
ByTask = dict[DirectionName, NumberOrNull]
ModuleGroup = Annotated[str, Field(pattern=r"^[A-Za-z.]{1,20}$")]
"""A group of modules, as in `E.SA`, or "all"."""


class CurvatureRecord(FileSchema):
    """Curvature of one task, or of the total."""

    lambda_max: NumberOrNull = None
    residual: NumberOrNull = None
    iterations: Count | None = None
    converged: bool | None = None
    eigenvalues: list[NumberOrNull] | None = None
    trace: NumberOrNull = None
    trace_error: NumberOrNull = None
    fisher_trace: NumberOrNull = None
    fisher_error: NumberOrNull = None


class TotalCurvature(CurvatureRecord):
    """Curvature of the weighted total."""

    weights: ByTask | None = None
    squared_gradient: NumberOrNull = None


class ResourcePairs(FileSchema):
    """Mean similarity over the pairs of two groups."""

    mean: NumberOrNull = None
    error: NumberOrNull = None
    pairs: Count | None = None


class AnalysisSettings(FileSchema):
    """The settings that the numbers depend on."""

    split: Literal["train", "dev"] = "train"


PairName = Annotated[str, Field(pattern=r"^\w{1,32}-\w{1,32}\|\w{1,32}-\w{1,32}$")]
Similarities = dict[Literal["direction", "magnitude"], dict[ModuleGroup, dict[PairName, NumberOrNull]]]


class Analysis(FileSchema):
    """A measurement of the loss landscape."""

    step: Count
    curvature: dict[DirectionName, CurvatureRecord] | None = None
    total: TotalCurvature | None = None
    curvature_groups: dict[ModuleGroup, dict[DirectionName, CurvatureRecord]] | None = None
    similarity: Similarities | None = None
    similarity_error: Similarities | None = None
    similarity_by_resource: (
        dict[Literal["direction", "magnitude"], dict[ModuleGroup, dict[Text, ResourcePairs | None]]] | None
    ) = None
    gradient_norms: ByTask | None = None
    signal_to_noise: ByTask | None = None
    seconds: dict[Text, NotNegative] | None = None
    settings: AnalysisSettings = AnalysisSettings()


class AnalysisFile(Analysis):
    """`analysis.json`: the newest measurement, and the earlier ones."""

    history: list[Analysis] = Field(max_length=1_000_000)
