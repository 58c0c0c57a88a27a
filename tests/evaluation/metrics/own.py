"""A module with metrics of a user's own, written where a test works."""

from pathlib import Path

MODULE = '''
"""What a user wrote."""

from catscale.evaluation.metrics.contract import Segments
from catscale.evaluation.metrics.sentence_metric import SentenceMetric


class Longer(SentenceMetric):
    """How many characters the translation has more or less than its reference, by character of the reference."""

    label = "length error"
    digits = 2
    higher_is_better = False
    unit = "characters"
    bounds = (-1.0, 500.0)

    floor: float = 0.0

    def score_sentences(self, segments: Segments) -> list[float]:
        pairs = zip(segments.hypotheses, segments.references, strict=True)
        return [max(self.floor, abs(len(one) - len(other)) / max(1, len(other))) for one, other in pairs]

    def weigh(self, segments: Segments) -> list[int]:
        return [len(text) for text in segments.references]


class Same(SentenceMetric):
    label = "same"
    bounds = (0, 100)

    def score_sentences(self, segments: Segments) -> list[float]:
        return [100.0 * (a == b) for a, b in zip(segments.hypotheses, segments.references, strict=True)]


class Few(Same):
    def score_sentences(self, segments: Segments) -> list[float]:
        return [1.0]


class High(Same):
    def score_sentences(self, segments: Segments) -> list[float]:
        return [50.0] * (len(segments.hypotheses) - 1) + [100.5]


class Negative(Same):
    def weigh(self, segments: Segments) -> list[float]:
        return [-1.0] * len(segments.hypotheses)


class Unfinished(SentenceMetric):
    label = "unfinished"


class Unnamed(SentenceMetric):
    def score_sentences(self, segments: Segments) -> list[float]:
        return [0.0] * len(segments.hypotheses)


class Turned(Unnamed):
    label, bounds = "turned", (1.0, 0.0)


NUMBER = 3
'''


def write_module(folder: Path) -> str:
    """Write the module by a name that no other test has, and return the name."""
    name = f"own_{folder.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(MODULE)
    return name
