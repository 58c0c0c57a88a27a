"""From source pieces to target pieces by beam search, whichever library runs it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from catscale.data.direction import Direction
from catscale.errors import CatscaleError, CheckpointError, ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.batches import TAG_AND_EOS, Batch, plan_batches
from catscale.system.console.messages import say as say_on_stderr
from catscale.vocabulary.sentencepiece import Vocabulary

UNKNOWN = 3
"""A source is mostly unknown where `<unk>` is one piece in so many."""


@dataclass(frozen=True)
class Hypothesis:
    """One translation that the search found.

    Attributes:
        ids: Of its tokens, without tag and end. A badly trained model may emit padding or another tag;
            `Vocabulary.decode` leaves them out.
        log_probability: Σ ln p over its tokens, the end counted, the tag given; None where it was not asked for.
        finished: Whether it came to its end, and was not cut at the length limit.
    """

    ids: list[int]
    log_probability: float | None = None
    finished: bool = True


@dataclass(frozen=True)
class Wanted:
    """What a search returns of each source.

    Attributes:
        n_best: Most hypotheses, at most the beam.
        scores: Whether each comes with its log-probability.
    """

    n_best: int = 1
    scores: bool = False

    def check(self, settings: EvaluationConfig) -> "Wanted":
        """Refuse more hypotheses than the search keeps.

        Raises:
            ConfigError: Naming both numbers.
        """
        if not 1 <= self.n_best <= settings.beam:
            raise ConfigError(
                f"--n-best must be from 1 to the beam, which is {settings.beam}, found {self.n_best}; lower it, or "
                f"give --beam {max(1, self.n_best)}"
            )
        return self


ONE = Wanted()


def ignore_progress(done: int) -> None:
    """Progress that nobody looks at."""


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
            direction: From which language to which.
            wanted: What to return of each source.
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
        self, batches: Sequence[tuple[list[list[int]], int]], tag: int, wanted: Wanted
    ) -> Iterator[list[list[Hypothesis]]]:
        """Decode batches of complete sources.

        Args:
            batches: Sources (`[tag] pieces [end]`) and the most tokens to generate, tag and end included.
            tag: Id of the target language's tag, with which every translation begins.
            wanted: What to return of each source.

        Yields:
            For each batch, in order, the hypotheses of each of its sources, the best one first.
        """


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
        say: Callable[[str], None] = say_on_stderr,
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
        outputs = self.backend.run(batches, self._vocabulary.tag(direction.target), wanted)
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
        self, plan: Sequence[Batch], sources: Sequence[Sequence[int]], direction: Direction
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


def warn_of_unknown(sources: Sequence[Sequence[int]], unknown: int, say: Callable[[str], None]) -> None:
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


def load_decoder(
    folder: Path,
    vocabulary: Vocabulary,
    settings: EvaluationConfig,
    *,
    device: str = "cpu",
    threads: int | None = None,
    say: Callable[[str], None] = say_on_stderr,
    converted: Path | None = None,
) -> BeamDecoder:
    """Load a model folder with the backend that the settings ask for.

    Args:
        folder: Hugging Face folder of an `M2M100ForConditionalGeneration`.
        vocabulary: Its vocabulary.
        settings: Backend, precision and search.
        device: As PyTorch names it: `cpu`, `cuda`, `cuda:1` …
        threads: CPU threads; None for as many as this process has.
        say: Receives warnings.
        converted: The same model in CTranslate2's format, if it is at hand; else it is converted for the time of the
            loading.

    Raises:
        ConfigError: If CTranslate2 is asked for and not installed or not usable on the device.
        CheckpointError: If the folder holds no readable model.
    """
    name = choose_backend(settings, device)
    try:
        backend = _load_backend(name, folder, settings, device, threads, converted)
    except CatscaleError:
        raise
    except Exception as error:  # each library raises its own classes
        raise CheckpointError(
            f"the model in {folder} cannot be read ({type(error).__name__}: {error}); restore it, or train again"
        ) from error
    return BeamDecoder(backend, vocabulary, settings, say)


def _load_backend(
    name: str, folder: Path, settings: EvaluationConfig, device: str, threads: int | None, converted: Path | None
) -> Backend:
    """The backend of that name; libraries are imported where they are used."""
    if name == "huggingface":
        from catscale.evaluation.decoding.huggingface import HuggingFaceBackend

        return HuggingFaceBackend(folder, settings, device, threads)
    from catscale.evaluation.decoding.ctranslate2 import CTranslate2Backend, converted_for_a_while, count_positions

    with ExitStack() as stack:
        if converted is None:
            converted = stack.enter_context(converted_for_a_while(folder, settings.precision))
        return CTranslate2Backend(converted, count_positions(folder), settings, device, threads)


def load_ensemble(
    folders: Sequence[Path],
    vocabulary: Vocabulary,
    settings: EvaluationConfig,
    *,
    device: str = "cpu",
    threads: int | None = None,
    say: Callable[[str], None] = say_on_stderr,
) -> BeamDecoder:
    """Load several models that decode together, by transformers.

    Args:
        folders: Hugging Face folders, as `load_decoder` takes them.
        vocabulary: Of all of them.
        settings: The search.
        device: As PyTorch names it.
        threads: CPU threads; None leaves PyTorch's number.
        say: Receives warnings.

    Raises:
        ConfigError: If the settings ask for CTranslate2.
        CheckpointError: If a folder holds no readable model.
    """
    if settings.backend == "ctranslate2" or settings.precision != "float32":
        raise ConfigError(
            f"an ensemble decodes with the backend huggingface in float32, found {settings.backend} with precision "
            f"{settings.precision}; change evaluation.backend and evaluation.precision"
        )
    from catscale.evaluation.decoding.ensemble import EnsembleBackend

    return BeamDecoder(EnsembleBackend(folders, settings, device, threads), vocabulary, settings, say)


def choose_backend(settings: EvaluationConfig, device: str = "cpu") -> str:
    """Name the backend: CTranslate2 where it is installed and can use the device, else Hugging Face.

    Raises:
        ConfigError: If the settings need CTranslate2 (by name or by precision) and it cannot be used.
    """
    usable = _ctranslate2_usable(device)
    if not usable and (settings.backend == "ctranslate2" or settings.precision != "float32"):
        raise ConfigError(
            f"backend {settings.backend} with precision {settings.precision} needs CTranslate2, which is not "
            f"installed or cannot use the device {device}; allowed here is huggingface with float32; "
            "install catscale[fast] or change evaluation.backend and evaluation.precision"
        )
    return "ctranslate2" if usable and settings.backend != "huggingface" else "huggingface"


def _ctranslate2_usable(device: str) -> bool:
    if find_spec("ctranslate2") is None:
        return False
    if device.startswith("cuda"):
        import ctranslate2

        return bool(ctranslate2.get_cuda_device_count())
    return device == "cpu"
