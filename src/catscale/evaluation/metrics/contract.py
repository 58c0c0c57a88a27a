"""The contract of a metric: its name and how it is shown, and what each sentence counts.

Every sentence has k statistics, and the score of any sentences follows from their sums. That one promise serves the
score of a test set, the bootstrap over its sentences, the comparison of seeds and the randomisation test, which all add
sentences up and ask for the score of the sums.

Legend: R systems (runs, or others), S sentences, k statistics per sentence.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from catscale.settings import Settings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Segments:
    """The test sentences of one direction, as one system translated them.

    Attributes:
        hypotheses: S detokenised translations.
        references: S reference translations.
        language: Code of the target language.
        sources: S source sentences; empty where they are not at hand.
        further: Lists of S more references; an empty one is none.
    """

    hypotheses: Sequence[str]
    references: Sequence[str]
    language: str
    sources: Sequence[str] = ()
    further: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Statistics:
    """One metric's statistics on one direction.

    Attributes:
        metric: Its name.
        values: (R, S, k) float64; row s of all systems is of the same sentence.
        score: Corpus scores (…) from sums (…, k) over sentences.
        signature: The text that lets somebody else repeat the score; empty for NLL.
    """

    metric: str
    values: Floats
    score: Callable[[Floats], Floats]
    signature: str = ""

    def corpus_scores(self) -> Floats:
        """Return the (R,) scores on all sentences."""
        return self.score(self.values.sum(1))


class Metric(Settings):
    """A metric: its settings, how it is shown, and how it counts.

    A subclass has `method: Literal["NAME"] = "NAME"`, the class attributes that differ from those here, and `count`,
    `from_sums` and `sign`. Fields are its settings: `evaluation.metrics` then takes `{method: NAME, FIELD: …}`, and its
    bare name where no field is needed. `catscale.evaluation.metrics.checks.check_metric` tries every promise.

    Attributes:
        label: Its name in tables and on the page.
        digits: Decimals that tables show.
        higher_is_better: Whether a higher score is better.
        unit: The unit of the score, where it has one.
        bounds: Lowest and highest score that a file may hold.
        kept: Names of the k statistics, where `evaluate` keeps them by sentence in `translations/SPLIT.en-xx.NAME`,
            since counting takes long, and `compare` reads them; empty where it counts again.
        of_model: Whether it is measured with the model on the references, as NLL is, for every run and whatever
            `evaluation.metrics` says.
        least: Score below which a model does not translate yet, so that differences are chance; None where none is
            known.
    """

    label: ClassVar[str]
    digits: ClassVar[int] = 1
    higher_is_better: ClassVar[bool] = True
    unit: ClassVar[str] = ""
    bounds: ClassVar[tuple[float, float]] = (0.0, 100.001)  # with rounding
    kept: ClassVar[tuple[str, ...]] = ()
    of_model: ClassVar[bool] = False
    least: ClassVar[float | None] = None

    method: str

    @property
    def name(self) -> str:
        """The key in `scores.json` and in the table, and what `--metric` takes."""
        return self.method

    @property
    def missing(self) -> str:
        """The missing part, and the way to get it, in one line; empty where the metric can be computed."""
        return ""

    def choose(self, language: str, section: Mapping[str, Any]) -> Self:
        """Return the metric as it scores a target language.

        Args:
            language: Code of the target language.
            section: The settings of `evaluation`, as `scores.json` records them.

        Raises:
            ConfigError: If they ask for what is not installed.
        """
        return self

    def warn(self, language: str, section: Mapping[str, Any]) -> list[str]:
        """List what makes scores in a target language not quite comparable with others', a line each.

        Args:
            language: Code of the target language.
            section: The settings of `evaluation`.
        """
        return []

    def record(self, chosen: Mapping[str, Self]) -> dict[str, Any]:
        """Return what `scores.json` records of the choice, beside the settings.

        Args:
            chosen: By direction, the metric as it scored it.
        """
        return {}

    def recall(self, evaluation: Mapping[str, Any], direction: str, signature: str = "") -> Self:
        """Return the metric as it scored a direction.

        Args:
            evaluation: The record of the evaluation in `scores.json`.
            direction: The direction, as in `en-az`.
            signature: The signature of its score in `scores.json`.

        Raises:
            ConfigError: If what it was scored with is not at hand.
        """
        return self.choose(direction.partition("-")[2], evaluation["settings"])

    @abstractmethod
    def count(self, segments: Segments) -> Floats:
        """Return the (S, k) statistics of each sentence."""

    def count_all(self, systems: Sequence[Segments]) -> Floats:
        """Return the (R, S, k) statistics of several systems on the same sentences.

        Override it where counting them together is faster.
        """
        return np.stack([self.count(segments) for segments in systems])

    @abstractmethod
    def from_sums(self, sums: Floats) -> Floats:
        """Return scores from sums over sentences.

        Args:
            sums: (…, k).

        Returns:
            (…) finite scores, also where nothing was counted.
        """

    @abstractmethod
    def sign(self, segments: Segments) -> str:
        """Return the signature: how was scored, so that somebody else can repeat it."""

    def score(self, segments: Segments, counts: Floats | None = None) -> dict[str, Any]:
        """Score one system.

        Args:
            segments: Its sentences.
            counts: (S, k) what `count` gave for them, where it is known.

        Returns:
            `{"score": float, "signature": str}`.
        """
        found = self.measure([segments], [counts])
        return {"score": float(found.corpus_scores()[0]), "signature": found.signature}

    def measure(self, systems: Sequence[Segments], kept: Iterable[Floats | None] | None = None) -> Statistics:
        """Count several systems on the same sentences.

        Args:
            systems: R of them.
            kept: The (S, k) statistics of each that are known already; None for one that is counted here.
        """
        known = [None] * len(systems) if kept is None else list(kept)
        uncounted = [segments for segments, rows in zip(systems, known, strict=True) if rows is None]
        counted = iter(self.count_all(uncounted) if uncounted else ())
        values = np.stack([next(counted) if rows is None else rows for rows in known])
        return Statistics(self.name, values, self.from_sums, self.sign(systems[0]))
