"""Choose the backend that decodes and load a model with it."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from catscale.errors import CatscaleError, CheckpointError, ConfigError
from catscale.evaluation.config import INTEGERS, EvaluationConfig
from catscale.evaluation.decoding.choice import settle_search
from catscale.evaluation.decoding.contract import Backend
from catscale.evaluation.decoding.decoder import BeamDecoder
from catscale.model.decoders import decoders_of
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
        ConfigError: If CTranslate2 is asked for and not installed or not usable on the device, or the precision is not.
        CheckpointError: If the folder holds no readable model.
    """
    settings = settle_search(settings, device, decoders_of(folder), vocabulary.has_tokenizer)
    try:
        backend = _load_backend(folder, vocabulary, settings, device, threads, converted)
    except CatscaleError:
        raise
    except Exception as error:  # each library raises its own classes
        raise CheckpointError(
            f"the model in {folder} cannot be read ({type(error).__name__}: {error}); restore it, or train again"
        ) from error
    return BeamDecoder(backend, vocabulary, settings, say)


def _load_backend(
    folder: Path,
    vocabulary: Vocabulary,
    settings: EvaluationConfig,
    device: str,
    threads: int | None,
    converted: Path | None,
) -> Backend:
    """Load the backend of settled settings; libraries are imported where they are used."""
    if settings.backend == "huggingface":
        from catscale.evaluation.decoding.huggingface import HuggingFaceBackend

        return HuggingFaceBackend(_load_model(folder, settings.precision, device), settings, threads)
    from catscale.evaluation.decoding.ctranslate2 import CTranslate2Backend, converted_for_a_while, count_positions

    with ExitStack() as stack:
        if converted is None:
            converted = stack.enter_context(converted_for_a_while(folder, settings.precision, vocabulary))
        return CTranslate2Backend(converted, count_positions(folder), settings, device, threads)


def _load_model(folder: Path, precision: str, device: str) -> "TranslationModel":
    """Read a model in silence, its parameters in a precision; PyTorch is imported here."""
    import torch

    from catscale.model.quiet import no_progress_bars
    from catscale.model.table import load_model

    with no_progress_bars():
        return load_model(folder).to(device, getattr(torch, precision))


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
    if settings.backend == "ctranslate2" or settings.precision in INTEGERS:
        raise ConfigError(
            f"an ensemble decodes with the backend huggingface without integers, found {settings.backend} with "
            f"precision {settings.precision}; change evaluation.backend and evaluation.precision"
        )
    settings = settle_search(settings, device, ["huggingface"])
    from catscale.evaluation.decoding.ensemble import EnsembleBackend

    models = [_load_model(folder, settings.precision, device) for folder in folders]
    return BeamDecoder(EnsembleBackend(models, settings, threads), vocabulary, settings, say)
