"""What `scores.json` must hold: an entry a direction, averages, and how they were made."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from catscale.data.direction import DirectionName, check_direction
from catscale.evaluation.config import BleuTokenizer
from catscale.system.reading.schema import Count, FileSchema, NotNegative, Text, check

OTHERS = ("averages", "evaluation")
"""Keys that are no directions."""
Percentage = Annotated[float, Field(ge=0, le=100.001)]
"""A BLEU or chrF, with rounding."""


class Metric(FileSchema):
    """BLEU or chrF."""

    score: Percentage
    signature: Text


class EditRate(FileSchema):
    """TER, which may be above 100."""

    score: NotNegative
    signature: Text


class Entry(FileSchema):
    """Scores of a direction."""

    nll: NotNegative
    bleu: Metric
    chrf: Metric
    ter: EditRate | None = None
    sentences: Count


class Average(FileSchema):
    """Means over directions."""

    nll: NotNegative
    bleu: Percentage
    chrf: Percentage
    ter: NotNegative | None = None


class EvaluationSettings(FileSchema):
    """How was decoded and scored; those that a comparison only compares may be anything."""

    chrf_word_order: Annotated[int, Field(ge=0, le=10)] = 0


class Evaluation(FileSchema):
    """How the scores were made."""

    split: Literal["train", "dev", "test"] | None = None
    step: Count | None = None
    truncated_sources: Count | None = None
    settings: EvaluationSettings | None = None
    train_pairs: dict[DirectionName, Count] | None = None
    resource_groups: dict[DirectionName, Literal["low", "mid", "high"]] | None = None
    bleu_tokenizers: dict[DirectionName, BleuTokenizer] | None = None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        for name, known in (("train_pairs", self.train_pairs), ("bleu_tokenizers", self.bleu_tokenizers)):
            missing = sorted(set(self.resource_groups or ()) - set(known or ()))
            if missing and known is not None:
                raise ValueError(f"resource_groups has {missing[0]}, which {name} has not")
        return self


class ScoresFile(FileSchema):
    """The whole file; its entries are checked by their names."""

    averages: dict[Text, Average | None] | None = None
    evaluation: Evaluation | None = None

    @model_validator(mode="before")
    @classmethod
    def _check_entries(cls, content: Any) -> Any:
        """Check the directions: whatever has a hyphen in its name must be one."""
        for name, entry in content.items() if isinstance(content, dict) else ():
            if name not in OTHERS and ("-" in name or "/" in name or (isinstance(entry, dict) and "nll" in entry)):
                check_direction(name)
                try:
                    check(entry, Entry)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        return content
