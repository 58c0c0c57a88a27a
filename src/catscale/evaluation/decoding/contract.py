"""The contract between decoders and backends: hypotheses, and how many of them are wanted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig


@dataclass(frozen=True)
class Hypothesis:
    """One translation that the search found.

    Attributes:
        ids: The ids of its tokens, without tag and end. A badly trained model may emit padding or another tag;
            `Vocabulary.decode` leaves them out.
        log_probability: Σ ln p over its tokens, the end counted, the tag given; None where it was not asked for.
        finished: Whether it came to its end, and was not cut at the length limit.
    """

    ids: list[int]
    log_probability: float | None = None
    finished: bool = True


@dataclass(frozen=True)
class Wanted:
    """The wanted result of a search for each source.

    Attributes:
        n_best: Most hypotheses, at most the beam.
        scores: Whether each comes with its log-probability.
    """

    n_best: int = 1
    scores: bool = False

    def check(self, settings: EvaluationConfig) -> "Wanted":
        """Refuse more hypotheses than the search keeps, and lists and scores where translations are drawn.

        Raises:
            ConfigError: If they are wanted.
        """
        if settings.draw_temperature is not None and (self.n_best > 1 or self.scores):
            raise ConfigError(
                f"--n-best and --scores are those of a search, and evaluation.draw_temperature is "
                f"{settings.draw_temperature:g}; leave them out, or set it to null"
            )
        if not 1 <= self.n_best <= settings.beam:
            raise ConfigError(
                f"--n-best must be from 1 to the beam, which is {settings.beam}, found {self.n_best}; lower it, or "
                f"give --beam {max(1, self.n_best)}"
            )
        return self


ONE = Wanted()


def ignore_progress(done: int) -> None:
    """Ignore progress."""


class Decoder(Protocol):
    """Translates sentences given as piece ids."""

    def search(
        self,
        sources: Sequence[Sequence[int]],
        direction: Direction,
        wanted: Wanted = ONE,
        progress: Callable[[int], None] = ignore_progress,
    ) -> list[list[Hypothesis]]:
        """Find translations of each source (ids without tag and end), the best one first, in the sources' order.

        Args:
            sources: Ids of the pieces of each.
            direction: The direction of the translation.
            wanted: The result to return for each source.
            progress: Told how many sources are done.
        """


class Backend(Protocol):
    """A library that runs the beam search.

    All backends search alike: hypotheses are ranked by log-probability / length^length_penalty (tag and end
    count); a sentence is done when `beam` hypotheses are, or, where one is wanted and without a penalty, when
    nothing unfinished is better than the best. The tag is forced, the end right after it forbidden (the backends
    would differ; the other tokens share its probability), and nothing else.
    """

    name: str
    positions: int
    """Positions that the model has, on either side."""

    def run(
        self, batches: Sequence[tuple[list[list[int]], int]], direction: Direction, tag: int, wanted: Wanted
    ) -> Iterator[list[list[Hypothesis]]]:
        """Decode batches of complete sources.

        Args:
            batches: Sources (`[tag] pieces [end]`) and the most tokens to generate, tag and end included.
            direction: The direction of the translation.
            tag: Id of the target language's tag, with which every translation begins.
            wanted: The result to return for each source.

        Yields:
            For each batch, in order, the hypotheses of each of its sources, the best one first.
        """
