"""Choose the backend that decodes and load a model with it."""

from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from catscale.errors import CatscaleError, CheckpointError, ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.contract import Backend
from catscale.evaluation.decoding.decoder import BeamDecoder
from catscale.model.decoders import decoders_of
from catscale.model.saved_config import DECODERS
from catscale.system.console.messages import Say
from catscale.system.console.messages import say as say_on_stderr
from catscale.vocabulary.contract import Vocabulary

if TYPE_CHECKING:
    from catscale.model.contract import TranslationModel


def load_decoder(
    folder: Path,
    vocabulary: Vocabulary,
    settings: EvaluationConfig,
    *,
    device: str = "cpu",
    threads: int | None = None,
    say: Say = say_on_stderr,
    converted: Path | None = None,
) -> BeamDecoder:
    """Load a model folder with the backend that the settings ask for.

    Args:
        folder: The folder of a saved model.
        vocabulary: Its vocabulary.
        settings: Backend, precision and search.
        device: The device as PyTorch names it: `cpu`, `cuda`, `cuda:1` …
        threads: CPU threads; None for as many as this process has.
        say: Receives warnings.
        converted: The model in CTranslate2's format, if it is at hand; else it is converted for the time of the
            loading.

    Raises:
        ConfigError: If CTranslate2 is asked for and not installed or not usable on the device.
        CheckpointError: If the folder holds no readable model.
    """
    settings = allow_backend(settings, vocabulary.has_tokenizer)
    name = choose_backend(settings, device, decoders_of(folder))
    try:
        backend = _load_backend(name, folder, vocabulary, settings, device, threads, converted)
    except CatscaleError:
        raise
    except Exception as error:  # each library raises its own classes
        raise CheckpointError(
            f"the model in {folder} cannot be read ({type(error).__name__}: {error}); restore it, or train again"
        ) from error
    return BeamDecoder(backend, vocabulary, settings, say)


def _load_backend(
    name: str,
    folder: Path,
    vocabulary: Vocabulary,
    settings: EvaluationConfig,
    device: str,
    threads: int | None,
    converted: Path | None,
) -> Backend:
    """Load the backend of that name; libraries are imported where they are used."""
    if name == "huggingface":
        from catscale.evaluation.decoding.huggingface import HuggingFaceBackend

        return HuggingFaceBackend(_load_model(folder, device), settings, threads)
    from catscale.evaluation.decoding.ctranslate2 import CTranslate2Backend, converted_for_a_while, count_positions

    with ExitStack() as stack:
        if converted is None:
            converted = stack.enter_context(converted_for_a_while(folder, settings.precision, vocabulary))
        return CTranslate2Backend(converted, count_positions(folder), settings, device, threads)


def _load_model(folder: Path, device: str) -> "TranslationModel":
    """Read a model in silence; PyTorch is imported here."""
    from catscale.model.quiet import no_progress_bars
    from catscale.model.table import load_model

    with no_progress_bars():
        return load_model(folder).to(device)


def load_ensemble(
    folders: Sequence[Path],
    vocabulary: Vocabulary,
    settings: EvaluationConfig,
    *,
    device: str = "cpu",
    threads: int | None = None,
    say: Say = say_on_stderr,
) -> BeamDecoder:
    """Load several models that decode together, by transformers.

    Args:
        folders: Hugging Face folders, as `load_decoder` takes them.
        vocabulary: The vocabulary of all of them.
        settings: The search.
        device: The device as PyTorch names it.
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

    models = [_load_model(folder, device) for folder in folders]
    return BeamDecoder(EnsembleBackend(models, settings, threads), vocabulary, settings, say)


def allow_backend(settings: EvaluationConfig, has_tokenizer: bool) -> EvaluationConfig:
    """Return the settings with the backend that any vocabulary allows, where they leave it open.

    Args:
        settings: Backend and precision.
        has_tokenizer: Whether the vocabulary has a Hugging Face tokenizer, which the conversion for CTranslate2 reads.
    """
    is_open = settings.backend == "auto" and settings.precision == "float32"
    return settings.model_copy(update={"backend": "huggingface"}) if is_open and not has_tokenizer else settings


def choose_backend(settings: EvaluationConfig, device: str = "cpu", decoders: Sequence[str] = DECODERS) -> str:
    """Name the backend: CTranslate2 where it is installed and can use device and model, else Hugging Face.

    Args:
        settings: Backend and precision.
        device: The device as PyTorch names it.
        decoders: Backends that can run the model; those of a plain one, if they are not given.

    Raises:
        ConfigError: If the settings need CTranslate2 (by name or by precision) and it cannot be used.
    """
    if "ctranslate2" not in decoders and (settings.backend == "ctranslate2" or settings.precision != "float32"):
        raise ConfigError(
            f"the model's architecture is decoded by {', '.join(decoders)} in float32, found backend "
            f"{settings.backend} with precision {settings.precision}; change evaluation.backend and "
            "evaluation.precision"
        )
    usable = "ctranslate2" in decoders and _ctranslate2_usable(device)
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
