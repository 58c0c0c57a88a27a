"""Beam search from source pieces to target pieces, whichever library runs it."""

from collections.abc import Callable, Sequence

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.batches import TAG_AND_EOS, SourceBatch, plan_batches
from catscale.evaluation.decoding.contract import ONE, Backend, Hypothesis, Wanted, ignore_progress
from catscale.system.console.messages import Say
from catscale.system.console.messages import say as say_on_stderr
from catscale.vocabulary.contract import Vocabulary

UNKNOWN = 3
"""A source is mostly unknown where `<unk>` is one piece in this many."""


class BeamDecoder:
    """A decoder that batches by length for a backend and restores the order.

    An empty source gives an empty translation without decoding. A source longer than the model's positions
    is cut; `truncated` counts these.
    """

    def __init__(
        self,
        backend: Backend,
        vocabulary: Vocabulary,
        settings: EvaluationConfig,
        say: Say = say_on_stderr,
    ) -> None:
        self.backend = backend
        self.truncated = 0
        self._vocabulary = vocabulary
        self._settings = settings
        self._say = say

    def search(
        self,
        sources: Sequence[Sequence[int]],
        direction: Direction,
        wanted: Wanted = ONE,
        progress: Callable[[int], None] = ignore_progress,
    ) -> list[list[Hypothesis]]:
        """Find translations of each source, as `Decoder` describes.

        Raises:
            ConfigError: If a language is not in the vocabulary, or the beam is wider than the vocabulary allows.
        """
        check_languages(direction, self._vocabulary)
        check_beam(self._settings.beam, self._vocabulary)
        warn_of_unknown(sources, self._vocabulary.unk_id, self._say)
        sources = self._cut(sources)
        plan = plan_batches([len(source) for source in sources], self._settings, self.backend.positions)
        batches = self._complete(plan, sources, direction)
        outputs = self.backend.run(batches, direction, self._vocabulary.tag(direction.target), wanted)
        found = [[Hypothesis([], 0.0 if wanted.scores else None)] for _ in sources]
        done = 0
        for batch, output in zip(plan, outputs, strict=True):
            for i, hypotheses in zip(batch.indices, output, strict=True):
                found[i] = hypotheses
            done += len(batch.indices)
            progress(done)
        return found

    def translate(self, sources: Sequence[Sequence[int]], direction: Direction) -> list[list[int]]:
        """Translate each source to the ids of the best translation."""
        return [hypotheses[0].ids for hypotheses in self.search(sources, direction)]

    def _cut(self, sources: Sequence[Sequence[int]]) -> list[Sequence[int]]:
        longest = self.backend.positions - TAG_AND_EOS
        too_long = sum(len(source) > longest for source in sources)
        if too_long:
            self.truncated += too_long
            self._say(f"warning: {too_long} source sentences have more than {longest} pieces and are cut there")
        return [source[:longest] for source in sources]

    def _complete(
        self, plan: Sequence[SourceBatch], sources: Sequence[Sequence[int]], direction: Direction
    ) -> list[tuple[list[list[int]], int]]:
        tag, end = self._vocabulary.tag(direction.source), self._vocabulary.eos_id
        return [([[tag, *sources[i], end] for i in batch.indices], batch.max_tokens) for batch in plan]


def check_beam(beam: int, vocabulary: Vocabulary) -> None:
    """Refuse a beam for which the vocabulary has too few continuations: a search looks at two for each hypothesis.

    Raises:
        ConfigError: Naming the widest beam.
    """
    if 2 * beam > vocabulary.size:
        raise ConfigError(
            f"evaluation.beam must be at most {vocabulary.size // 2}, half of the vocabulary's size, found {beam}; "
            "lower it"
        )


def warn_of_unknown(sources: Sequence[Sequence[int]], unknown: int, say: Say) -> None:
    """Say how many sources are mostly `<unk>`: of a word in a script without pieces, every second one is.

    Args:
        sources: Ids without tag and end.
        unknown: The id of `<unk>`.
        say: Receives the warning.
    """
    found = sum(UNKNOWN * list(source).count(unknown) >= len(source) > 0 for source in sources)
    if found:
        say(
            f"warning: {found:,} of {len(sources):,} source sentences are mostly characters that the model's "
            "vocabulary lacks, which it cannot read; check the language, or the script"
        )


def check_languages(direction: Direction, vocabulary: Vocabulary) -> None:
    """Refuse a language that the model has no tag for.

    Raises:
        ConfigError: Naming the model's languages.
    """
    for language in (direction.source, direction.target):
        if language not in vocabulary.languages:
            raise ConfigError(
                f"the model does not know the language {language!r} of {direction}; "
                f"it has {', '.join(sorted(vocabulary.languages))}; choose one of them"
            )
