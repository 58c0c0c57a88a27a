"""The check of an exported model: it translates sentences, and so does the run, and the two are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from catscale.data.direction import Direction
from catscale.errors import CheckpointError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.batches import TAG_AND_EOS
from catscale.evaluation.decoding.loading import load_decoder
from catscale.evaluation.metrics.chrf import Chrf
from catscale.evaluation.metrics.contract import Segments
from catscale.evaluation.translate import translate_chunk
from catscale.run.exporting.form import ExportFormat
from catscale.run.exporting.serving import load_exported
from catscale.system.console.messages import Say
from catscale.vocabulary.contract import Vocabulary

TOLERATED = 0.1
"""Share of the sentences that may be translated otherwise by weights that are the same: two libraries round otherwise,
and where two translations are equally likely, take another one."""
SHOWN = 80
"""Characters of a translation that a message shows."""


@dataclass(frozen=True)
class Equality:
    """The translations of the run and of the exported model.

    Attributes:
        sources: The sentences.
        own: The run's translations.
        exported: The exported model's.
    """

    sources: Sequence[str]
    own: Sequence[str]
    exported: Sequence[str]

    def __add__(self, other: "Equality") -> "Equality":
        return Equality([*self.sources, *other.sources], [*self.own, *other.own], [*self.exported, *other.exported])

    @property
    def differing(self) -> list[int]:
        """The places of sentences with two translations."""
        return [i for i, (ours, theirs) in enumerate(zip(self.own, self.exported, strict=True)) if ours != theirs]

    @property
    def chrf(self) -> float:
        """The chrF of the exported model's translations with the run's as references."""
        score: float = Chrf().score(Segments(self.exported, self.own, ""))["score"]
        return score

    def describe(self) -> str:
        """Return the outcome in a line."""
        total, differing = len(self.sources), len(self.differing)
        if not total:
            return "not compared with the run's translations"
        if not differing:
            return f"all of {total} sentences are translated as by the run"
        equal = total - differing
        return (
            f"{equal} of {total} sentences ({equal / total:.0%}) are translated as by the run; chrF between the two is "
            f"{self.chrf:.1f}"
        )

    def check(self, form: ExportFormat, say: Say) -> None:
        """Say how the two differ; refuse an exact format in which many sentences differ.

        Args:
            form: The format of the exported model.
            say: Receives the outcome.

        Raises:
            CheckpointError: If they do, so that something is wrong with tokenizer, tags or weights.
        """
        if not form.is_exact or not self.differing:
            say(self.describe())
            return
        total, first = len(self.sources), self.differing[0]
        found = (
            f"{len(self.differing)} of {total} sentences are translated otherwise than by the run, where all should be "
            f"equal; the first is {self.sources[first][:SHOWN]!r}: {self.own[first][:SHOWN]!r} by the run, "
            f"{self.exported[first][:SHOWN]!r} by the exported model"
        )
        if len(self.differing) > TOLERATED * total:
            raise CheckpointError(
                f"{found}; nothing was exported: other programs would cut or translate text otherwise. Install the "
                "versions in constraints.txt, or leave the check out with --check 0"
            )
        say(f"warning: {found}; two libraries round otherwise, and may choose between translations that score alike")


@dataclass(frozen=True)
class RunTranslations:
    """The run's translations of the sentences that are compared.

    Attributes:
        found: Direction → sources and their translations.
        positions: Positions that the model has, on either side.
    """

    found: Mapping[Direction, tuple[Sequence[str], Sequence[str]]]
    positions: int


def translate_by_run(
    best: Path,
    vocabulary: Vocabulary,
    settings: EvaluationConfig,
    sentences: Mapping[Direction, Sequence[str]],
    say: Say,
) -> RunTranslations:
    """Translate sentences as the run does, in float32 and by transformers, which knows every architecture.

    Args:
        best: The run's model.
        vocabulary: Its vocabulary.
        settings: The search.
        sentences: Sources by direction.
        say: Receives warnings.

    Returns:
        The sources that the model has the positions for, with their translations.
    """
    exact = {"backend": "huggingface", "precision": "float32", "batch_sentences": 1}
    decoder = load_decoder(best, vocabulary, settings.model_copy(update=exact), say=say)
    positions = decoder.backend.positions
    found = {}
    for direction, lines in sentences.items():
        cut = zip(lines, vocabulary.encode(lines), strict=True)
        sources = [line for line, ids in cut if 0 < len(ids) <= positions - TAG_AND_EOS]
        translated = translate_chunk(sources, decoder, vocabulary, direction)
        found[direction] = (sources, [each[0].text for each in translated])
    return RunTranslations(found, positions)


def compare_with(
    form: ExportFormat,
    folder: Path,
    tags: Mapping[str, str],
    translated: RunTranslations,
    settings: EvaluationConfig,
) -> Equality:
    """Translate the same sentences with an exported model.

    Args:
        form: Its format.
        folder: Its place.
        tags: The token of each language.
        translated: The result of `translate_by_run`, for the directions that the folder's model translates.
        settings: The search.
    """
    total = Equality((), (), ())
    if not translated.found:
        return total
    translate = load_exported(form, folder, settings, translated.positions)
    for direction, (sources, own) in translated.found.items():
        names = tags[direction.source], tags[direction.target]
        total += Equality(sources, own, translate(names, sources))
    return total
