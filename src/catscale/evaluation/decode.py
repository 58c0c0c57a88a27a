"""From source pieces to target pieces by beam search, whichever library runs it."""

from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from catscale.data.direction import Direction
from catscale.data.vocabulary import Vocabulary
from catscale.errors import CatscaleError, CheckpointError, ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.planning import TAG_AND_EOS, Batch, plan_batches
from catscale.system.messages import say as say_on_stderr


class Decoder(Protocol):
    """Translates sentences given as piece ids."""

    def translate(self, sources: Sequence[Sequence[int]], direction: Direction) -> list[list[int]]:
        """Translate each source to target ids, both without tag and end, in the same order.

        A badly trained model may emit padding or another tag; `Vocabulary.decode` leaves them out.
        """


class Backend(Protocol):
    """A library that runs the beam search.

    All backends search alike: hypotheses are ranked by log-probability / length^length_penalty (tag and end
    count); a sentence is done when `beam` hypotheses are, or, without a penalty, when nothing unfinished is
    better than the best. The tag is forced, the end right after it forbidden (the backends would differ), and
    nothing else.
    """

    name: str
    positions: int
    """Positions that the model has, on either side."""

    def run(self, batches: Sequence[tuple[list[list[int]], int]], tag: int) -> Iterator[list[list[int]]]:
        """Decode batches of complete sources.

        Args:
            batches: Sources (`[tag] pieces [end]`) and the most tokens to generate, tag and end included.
            tag: Id of the target language's tag, with which every translation begins.

        Yields:
            For each batch, in order, the ids generated after the tag and before the end.
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

    def translate(self, sources: Sequence[Sequence[int]], direction: Direction) -> list[list[int]]:
        """Translate each source, as `Decoder` describes.

        Raises:
            ConfigError: If a language is not in the vocabulary.
        """
        check_languages(direction, self._vocabulary)
        sources = self._cut(sources)
        plan = plan_batches([len(source) for source in sources], self._settings, self.backend.positions)
        outputs = self.backend.run(self._complete(plan, sources, direction), self._vocabulary.tag(direction.target))
        translations: list[list[int]] = [[] for _ in sources]
        for batch, output in zip(plan, outputs, strict=True):
            for i, ids in zip(batch.indices, output, strict=True):
                translations[i] = ids
        return translations

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
) -> BeamDecoder:
    """Load a model folder with the backend that the settings ask for.

    Args:
        folder: Hugging Face folder of an `M2M100ForConditionalGeneration`.
        vocabulary: Its vocabulary.
        settings: Backend, precision and search.
        device: As PyTorch names it: `cpu`, `cuda`, `cuda:1` …
        threads: CPU threads; None leaves PyTorch's number.
        say: Receives warnings.

    Raises:
        ConfigError: If CTranslate2 is asked for and not installed or not usable on the device.
        CheckpointError: If the folder holds no readable model.
    """
    make = _find_backend(choose_backend(settings, device))
    try:
        backend = make(folder, settings, device, threads)
    except CatscaleError:
        raise
    except Exception as error:  # each library raises its own classes
        raise CheckpointError(
            f"the model in {folder} cannot be read ({type(error).__name__}: {error}); restore it, or train again"
        ) from error
    return BeamDecoder(backend, vocabulary, settings, say)


def _find_backend(name: str) -> Callable[..., Backend]:
    """The class of a backend; libraries are imported where they are used."""
    if name == "ctranslate2":
        from catscale.evaluation.decode_ctranslate2 import CTranslate2Backend

        return CTranslate2Backend
    from catscale.evaluation.decode_huggingface import HuggingFaceBackend

    return HuggingFaceBackend


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
