"""A metric of the user's own as a record tells it: named, shown and compared, and never imported."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import ConfigDict, PrivateAttr, create_model

from catscale.errors import ConfigError
from catscale.evaluation.metrics.contract import Segments
from catscale.evaluation.metrics.sentence_metric import MetricFacts, SentenceMetric


class RecordedMetric(SentenceMetric):
    """A metric that counts nothing: what was counted is read, and its scores follow from that; any setting.

    Attributes:
        method: The name, as `module:Class`.
    """

    model_config = ConfigDict(extra="allow")
    method: str
    _signed: str = PrivateAttr("unknown")

    @property
    def missing(self) -> str:
        """The class, which is not imported, and the way to have it imported."""
        return (
            f"{self.name} is a class of the user's own, and the record of a run is not followed to code; name it on "
            f"the command line: catscale evaluate RUN --set 'evaluation.metrics=[bleu,\"{self.name}\"]'"
        )

    def recall(self, evaluation: Mapping[str, Any], direction: str, signature: str = "") -> Self:
        """Return the metric with the signature of the scores."""
        found = self.model_copy()
        found._signed = signature or "unknown"
        return found

    def score_sentences(self, segments: Segments) -> Sequence[float]:
        """Refuse to count.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(self.missing)

    def sign(self, segments: Segments) -> str:
        """Return the recorded signature."""
        return self._signed


def make_recorded(name: str, facts: MetricFacts) -> type[RecordedMetric]:
    """Make the class of a metric from what a record tells of it.

    Args:
        name: `module:Class`.
        facts: The facts that tables and figures show.
    """
    literal: Any = Literal
    made = create_model("Recorded", __base__=RecordedMetric, __module__=__name__, method=(literal[name], name))
    for key in MetricFacts.model_fields:
        setattr(made, key, getattr(facts, key))
    return made
