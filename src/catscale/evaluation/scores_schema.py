"""The schema of `scores.json`: an entry per direction, averages, and their provenance."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, create_model, model_validator

from catscale.data.direction import DirectionName, check_direction
from catscale.evaluation.metrics.bleu_tokenizers import BleuTokenizer
from catscale.evaluation.metrics.chrf import MOST
from catscale.evaluation.metrics.contract import Metric
from catscale.evaluation.metrics.sentence_metric import MetricFacts
from catscale.evaluation.metrics.table import METRICS
from catscale.settings.own_class import is_own
from catscale.system.reading.schema import Count, FileSchema, NotNegative, Number, Text, check

OTHERS = ("averages", "evaluation")
"""Keys that are no directions."""


class Entry(FileSchema):
    """Scores of a direction, but for those of the metrics in the table."""

    nll: NotNegative
    sentences: Count


class EntryAverage(FileSchema):
    """Means over directions, but for those of the metrics in the table."""

    nll: NotNegative


@lru_cache(maxsize=4)
def _schemas(metrics: tuple[tuple[str, type[Metric]], ...]) -> tuple[type[BaseModel], type[BaseModel]]:
    """Make the schemas of an entry and of an average that hold the scores of these metrics, each where it is there."""
    scores: dict[str, Any] = {
        name: Annotated[float, Field(ge=metric.bounds[0], le=metric.bounds[1], allow_inf_nan=False)]
        for name, metric in metrics
        if not metric.of_model
    }
    entries: dict[str, Any] = {
        name: (create_model(name, __base__=FileSchema, score=(score, ...), signature=(Text, ...)) | None, None)
        for name, score in scores.items()
    }
    means: dict[str, Any] = {name: (score | None, None) for name, score in scores.items()}
    entry = create_model("Entry", __base__=Entry, **entries)
    return entry, create_model("Average", __base__=EntryAverage, **means)


class OwnMean(FileSchema):
    """The mean score of a metric of the user's own."""

    score: Number | None


class OwnScore(FileSchema):
    """The score of a metric of the user's own."""

    score: Number
    signature: Text


def _known() -> tuple[tuple[str, type[Metric]], ...]:
    return tuple((name, metric) for name, metric in METRICS.items() if not is_own(name))


def _check_entry(content: Any) -> Any:
    check(content, _schemas(_known())[0])
    _check_own(content, OwnScore)
    return content


def _check_average(content: Any) -> Any:
    if content is not None:
        check(content, _schemas(_known())[1])
        _check_own({key: {"score": value} for key, value in content.items()}, OwnMean)
    return content


def _check_own(content: Mapping[str, Any], schema: type[BaseModel]) -> None:
    """Check what is there under the names of metrics of the user's own."""
    for name in filter(is_own, content):
        try:
            check(content[name], schema)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None


class EvaluationSettings(FileSchema):
    """The settings of decoding and scoring; those that a comparison only compares may be anything."""

    chrf_word_order: Annotated[int, Field(ge=0, le=MOST)] = 0
    metrics: list[str | dict[str, Any]] = Field(default_factory=list)
    tokenizers: dict[Text, Text] = Field(default_factory=dict)


class Evaluation(FileSchema):
    """The provenance of the scores."""

    split: Literal["train", "dev", "test"] | None = None
    step: Count | None = None
    average: Text | None = None
    truncated_sources: Count | None = None
    settings: EvaluationSettings | None = None
    train_pairs: dict[DirectionName, Count] | None = None
    resource_groups: dict[DirectionName, Literal["low", "mid", "high"]] | None = None
    bleu_tokenizers: dict[DirectionName, BleuTokenizer] | None = None

    @model_validator(mode="before")
    @classmethod
    def _check_facts(cls, content: Any) -> Any:
        """Check what is told of metrics of the user's own, under their names."""
        if isinstance(content, Mapping):
            _check_own(content, MetricFacts)
        return content

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        for name, known in (("train_pairs", self.train_pairs), ("bleu_tokenizers", self.bleu_tokenizers)):
            missing = sorted(set(self.resource_groups or ()) - set(known or ()))
            if missing and known is not None:
                raise ValueError(f"resource_groups has {missing[0]}, which {name} has not")
        return self


class ScoresFile(FileSchema):
    """The whole file; its entries are checked by their names."""

    averages: dict[Text, Annotated[Any, AfterValidator(_check_average)]] | None = None
    evaluation: Evaluation | None = None

    @model_validator(mode="before")
    @classmethod
    def _check_entries(cls, content: Any) -> Any:
        """Check the directions: whatever has a hyphen in its name must be one."""
        for name, entry in content.items() if isinstance(content, dict) else ():
            if name not in OTHERS and ("-" in name or "/" in name or (isinstance(entry, dict) and "nll" in entry)):
                check_direction(name)
                try:
                    _check_entry(entry)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        return content
