"""The base of metrics of the user's own: each sentence has a score, and that of a set is their mean.

The form is fixed so that a record tells all of it: `evaluate` runs the user's code and keeps two numbers per sentence,
and `compare` and the report add them up without it, as bootstrap and randomisation do.

Legend: S sentences.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import AfterValidator, Field

from catscale.errors import ConfigError
from catscale.evaluation.metrics.contract import Floats, Metric, Segments
from catscale.system.reading.schema import FileSchema, Number


def _check_bounds(bounds: tuple[float, float]) -> tuple[float, float]:
    if not bounds[0] < bounds[1]:
        raise ValueError(f"must be the lowest score and a higher one, found {bounds[0]:g} and {bounds[1]:g}")
    return bounds


class MetricFacts(FileSchema):
    """The facts on record of a metric of the user's own, by the names of the attributes of `Metric`."""

    label: Annotated[str, Field(pattern=r"^[\w+\-. ()%/]{1,20}$")]
    digits: Annotated[int, Field(ge=0, le=6)]
    higher_is_better: bool
    unit: Annotated[str, Field(pattern=r"^[\w+\-. ()%/]{0,40}$")]
    bounds: Annotated[tuple[Number, Number], Field(strict=False), AfterValidator(_check_bounds)]


class SentenceMetric(Metric):
    """A metric that scores sentences: score = Σ_s w_s score_s / Σ_s w_s; the lowest bound where no weight is left.

    A subclass has `label` and `score_sentences`, and of `digits`, `higher_is_better`, `unit`, `bounds`, `version` and
    `weigh` what differs from here. `evaluation.metrics` names it as `module:Class`.

    Attributes:
        version: Part of the signature; another one where the same texts get other scores than before.
    """

    method: str = "own"
    """The name, as `module:Class`, where it was read from a configuration."""
    kept: ClassVar[tuple[str, ...]] = ("score_above_lowest_times_weight", "weight")
    version: ClassVar[str] = "1"

    @abstractmethod
    def score_sentences(self, segments: Segments) -> Sequence[float]:
        """Return the score of each sentence, within `bounds`."""

    def weigh(self, segments: Segments) -> Sequence[float]:
        """Return the weight of each sentence, such as the length of its reference; 1 each."""
        return [1.0] * len(segments.hypotheses)

    @classmethod
    def describe(cls) -> MetricFacts:
        """Describe the metric for a record.

        Raises:
            ValidationError: If it is not shown as records can tell.
        """
        return MetricFacts.model_validate({key: getattr(cls, key, None) for key in MetricFacts.model_fields})

    def record(self, chosen: Mapping[str, Self]) -> dict[str, Any]:
        """Put on record what compares and shows the scores without the class."""
        return {self.name: self.describe().model_dump(mode="json")}

    def count(self, segments: Segments) -> Floats:
        """Return (score − lowest) · weight, and the weight, of each sentence.

        Raises:
            ConfigError: If there are not as many as sentences, or one is out of bounds.
        """
        low, high = self.bounds
        scores = self._read("score_sentences", self.score_sentences(segments), segments, low, high)
        weights = self._read("weigh", self.weigh(segments), segments, 0.0, np.inf)
        return np.stack([(scores - low) * weights, weights], 1)

    def _read(self, what: str, values: Sequence[float], segments: Segments, low: float, high: float) -> Floats:
        """Return what a method of the user's gave, once it is what it must be."""
        found = np.asarray(values, dtype=np.float64)
        if found.shape != (len(segments.hypotheses),):
            raise ConfigError(
                f"{self.name}: {what} must give a number for each of {len(segments.hypotheses)} sentences, found the "
                f"shape {found.shape}; correct it"
            )
        wrong = ~(np.isfinite(found) & (found >= low) & (found <= high))
        if wrong.any():
            place = int(wrong.argmax())
            raise ConfigError(
                f"{self.name}: {what} must give finite numbers from {low:g} to {high:g}, found {found[place]:g} for "
                f"sentence {place + 1}, {segments.hypotheses[place][:60]!r}; correct it, or the metric's bounds"
            )
        return found

    def from_sums(self, sums: Floats) -> Floats:
        """Return the weighted mean."""
        weights = sums[..., 1]
        scores: Floats = self.bounds[0] + sums[..., 0] / np.where(weights > 0, weights, 1.0)
        return scores

    def sign(self, segments: Segments) -> str:
        """Return the class, the number of references, the settings, and the version."""
        settings = (f"{key}:{value}" for key, value in self.model_dump(mode="json").items() if key != "method")
        return "|".join([self.name, f"nrefs:{1 + len(segments.further)}", *settings, f"version:{self.version}"])
