"""Settings of a run that decoding needs, read without what trains it: PyTorch stays out of `catscale translate`."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catscale.errors import CheckpointError, ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.choice import settle_search
from catscale.evaluation.metrics.table import read_metric, write_metric
from catscale.model.decoders import decoders_of
from catscale.run.overrides import apply_overrides
from catscale.settings.own_class import OWN, is_own
from catscale.settings.problems import refuse
from catscale.system.reading.yaml_file import read_yaml
from catscale.training.config import THREADS
from catscale.vocabulary.table import kind_of


class _Place(BaseModel):
    """The settings of `training` that say where to compute."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    device: str = "auto"
    threads: int | None = Field(None, ge=1, le=THREADS)


class DecodingConfig(BaseModel):
    """The part of a run's configuration that decoding needs; the rest is not looked at.

    Attributes:
        evaluation: The search.
        training: The settings that say where to compute.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    evaluation: EvaluationConfig = EvaluationConfig()
    training: _Place = _Place()


def load_decoding(folder: Path, overrides: Sequence[str] = ()) -> DecodingConfig:
    """Read the settings of decoding from a run's `config.yaml`.

    Args:
        folder: The run's.
        overrides: `evaluation.KEY=VALUE`.

    Raises:
        CheckpointError: If the folder is not a run's.
        ConfigError: If settings are wrong.
    """
    path = folder / "config.yaml"
    if not path.is_file():
        raise CheckpointError(f"{folder} is not a run's folder: config.yaml is missing; give the folder of a `train`")
    check_overrides(overrides, "translate")
    content = read_yaml(path)
    apply_overrides(content, overrides)
    try:
        return DecodingConfig.model_validate(content)
    except ValidationError as error:
        origin = " ".join([str(path), *(f"--set {override}" for override in overrides)])
        raise refuse(error, origin, DecodingConfig) from None


def check_overrides(overrides: Sequence[str], command: str) -> None:
    """Refuse settings that a command does not take.

    Raises:
        ConfigError: If one is not of the section `evaluation`.
    """
    others = [text for text in overrides if not text.startswith("evaluation.")]
    if others:
        raise ConfigError(
            f"--set of `catscale {command}` takes settings of evaluation, as in evaluation.max_length=100; found "
            f"{others[0]!r}"
        )


def import_metrics(settings: EvaluationConfig, overrides: Sequence[str]) -> EvaluationConfig:
    """Import the metrics of the user's own that the command line names; those of a run's record stay records.

    Args:
        settings: A run's, with the overrides.
        overrides: `evaluation.KEY=VALUE`, as the user gave them.

    Raises:
        ConfigError: If there is no such class, or its settings are wrong.
    """
    if not any(text.partition("=")[0] == "evaluation.metrics" for text in overrides):
        return settings
    try:
        metrics = [read_metric(write_metric(m), OWN) if is_own(m.name) else m for m in settings.metrics]
    except ValueError as error:
        raise ConfigError(f"--set evaluation.metrics: {error}") from None
    return settings.model_copy(update={"metrics": tuple(metrics)})


def choose_decoding_device(name: str, settings: EvaluationConfig, needs_torch: bool = False) -> str:
    """Choose the device as `choose_device` does, without PyTorch where CTranslate2 decodes on the CPU.

    Args:
        name: The name in a setting or an option.
        settings: The backend.
        needs_torch: Whether transformers decodes, whatever the backend.

    Returns:
        As PyTorch names it.

    Raises:
        ConfigError: If there is no such device.
    """
    if name == "cpu" or (name == "auto" and not needs_torch and settings.backend != "huggingface" and not _has_gpu()):
        return "cpu"
    from catscale.run.device import choose_device

    return str(choose_device(name))


def choose_run_device(config: DecodingConfig, device: str | None, decoders: Sequence[str]) -> str:
    """Choose the device that a run's model decodes on, as `choose_decoding_device` does.

    Args:
        config: The run's settings of decoding.
        device: The name in an option; None for the run's setting.
        decoders: The backends that can decode.

    Raises:
        ConfigError: If there is no such device.
    """
    name = config.training.device if device is None else device
    return choose_decoding_device(name, config.evaluation, needs_torch="ctranslate2" not in decoders)


def settle_decoding(best: Path, config: DecodingConfig, device: str | None) -> EvaluationConfig:
    """Settle what the settings of a run leave open, for its best model and a device.

    Args:
        best: The model's folder.
        config: The run's settings of decoding.
        device: The name in an option; None for the run's setting.

    Raises:
        ConfigError: If there is no such device, or the settings cannot be used on it.
    """
    return settle_for_model(best, config.evaluation, choose_run_device(config, device, decoders_of(best)))


def settle_for_model(best: Path, settings: EvaluationConfig, device: str) -> EvaluationConfig:
    """Settle what settings leave open, for a model on a device; arguments and errors as of `settle_search`."""
    return settle_search(settings, device, decoders_of(best), kind_of(best).vocabulary.has_tokenizer)


def _has_gpu() -> bool:
    """Return whether CTranslate2 sees a GPU, or is not there to tell."""
    try:
        import ctranslate2
    except ImportError:
        return True
    return bool(ctranslate2.get_cuda_device_count())
