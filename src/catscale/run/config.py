"""The configuration of a run: one YAML file, every problem reported at once."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError, ValidationInfo, model_validator

from catscale.analysis.config import AnalysisConfig
from catscale.balancing.methods.fixed import Fixed
from catscale.balancing.methods.table import BalancingConfig
from catscale.data.config import DataConfig
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.model.staged import Staged
from catscale.model.table import DEFAULT as PLAIN_MODEL
from catscale.model.table import ModelConfig
from catscale.optimisation.table import DEFAULT as USUAL_OPTIMIZER
from catscale.optimisation.table import OptimizerConfig
from catscale.run.baselines import fill_baselines
from catscale.run.model_vocabulary import join_vocabulary
from catscale.run.overrides import apply_overrides
from catscale.run.sections import SECTIONS
from catscale.sampling.table import DEFAULT, SamplingConfig
from catscale.settings import Settings
from catscale.settings.location import LITERAL
from catscale.settings.own_class import OWN
from catscale.settings.problems import refuse, shorten
from catscale.system.console.messages import Say
from catscale.system.reading.yaml_file import dump_yaml, read_yaml
from catscale.training.config import TrainingConfig
from catscale.training.moved_settings import check_overrides, describe_move, move_settings, rename_override
from catscale.vocabulary.table import VocabularyConfig
from catscale.vocabulary.training import SentencePieceSettings


class RunConfig(Settings):
    """Everything that decides what a run does.

    Attributes:
        data: Corpora and directions.
        vocabulary: Size and training of the vocabulary.
        sampling: The sampler, which says how often a step holds each task.
        balancing: The method that weights the tasks' gradients.
        model: Architecture and sizes.
        optimizer: The optimiser, which moves the parameters by the weighted gradient, and the course of the learning
            rate.
        training: The loop.
        evaluation: Decoding, metrics, resource groups.
        analysis: Curvature and gradient similarity.
    """

    data: DataConfig
    vocabulary: VocabularyConfig = SentencePieceSettings()
    sampling: SamplingConfig = DEFAULT
    balancing: BalancingConfig = Fixed()
    model: ModelConfig = PLAIN_MODEL
    optimizer: OptimizerConfig = USUAL_OPTIMIZER
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    analysis: AnalysisConfig = AnalysisConfig()

    @model_validator(mode="before")
    @classmethod
    def _join(cls, content: Any, info: ValidationInfo) -> Any:
        """Fill in the vocabulary that follows from the model, where a model brings its own."""
        return join_vocabulary(content, info.context) if isinstance(content, dict) else content


def load_config(
    path: Path, overrides: Sequence[str] = (), warn: Say | None = None, is_record: bool = False
) -> RunConfig:
    """Read a configuration file.

    The `config.yaml` of a run's folder, which may come from somebody else, is data: no environment variable is put
    into its paths, and no link is followed to it. Settings of an earlier version are read; a run's own are those of
    the version that wrote them, and nothing is said of them.

    Args:
        path: A YAML file.
        overrides: `key=value` with a dotted key and a YAML value, as in `training.seed=2`.
        warn: Receives a line where settings have another name now.
        is_record: Whether the file is known to be a run's; otherwise it is one where `environment.json` is beside it.

    Raises:
        ConfigError: If the file or an override cannot be read, or settings are wrong; all of them are named.
    """
    is_of_run = is_record or (path.name == "config.yaml" and path.with_name("environment.json").exists())
    content = read_yaml(path, follow=not is_of_run)
    moved = move_settings(content, str(path))
    told = [] if is_of_run else moved
    check_overrides(overrides)
    renamed = [rename_override(override) for override in overrides]
    told += [before.partition("=")[0] for before, after in zip(overrides, renamed, strict=True) if before != after]
    apply_overrides(content, renamed, SECTIONS)
    origin = " ".join([str(path), *(f"--set {override}" for override in overrides)])
    told += move_settings(content, origin)
    if told and warn is not None:
        warn(describe_move(origin, told))
    return parse_config(content, origin, is_of_run)


def parse_config(content: dict[str, Any], origin: str, is_of_run: bool = False) -> RunConfig:
    """Check the content of a configuration, and fill in what follows from the length of the training.

    Args:
        content: As read from YAML; settings of an earlier version are read.
        origin: Named in errors.
        is_of_run: Whether it is what a run's folder holds: `${NAME}` and `~` in its paths stand for themselves.

    Raises:
        ConfigError: Naming every wrong setting.
    """
    content = dict(content)
    move_settings(content, origin)
    try:
        config = RunConfig.model_validate(content, context=LITERAL if is_of_run else OWN)
    except ValidationError as error:
        raise refuse(error, origin, RunConfig, {name: section.methods for name, section in SECTIONS.items()}) from None
    unwritable = sorted(set(_unwritable(config.model_dump(mode="json"))))
    if unwritable:
        raise ConfigError(
            f"{origin}: {', '.join(unwritable)} must be text that can be written to a file, found a NUL character or "
            "half of a surrogate pair; remove it"
        )
    if not is_of_run:
        config = config.model_copy(update={"sampling": fill_baselines(config.sampling, origin)})
    if config.training.gradient_checkpointing and not config.model.has_plain_layers:
        raise ConfigError(
            f"{origin}: training.gradient_checkpointing computes layers again in the backward pass, when a model of "
            "this architecture no longer knows the batch's direction; set it to false, or model.architecture to m2m100 "
            "or pretrained without routing and language_adapters"
        )
    if not is_of_run:
        refuse_an_early_end(config, origin)
    if isinstance(config.model, Staged):
        _refuse_minutes(config, origin)
        return config  # each stage has a length of its own
    return plan_course(config, config.training.max_steps, origin)


def _refuse_minutes(config: RunConfig, origin: str) -> None:
    """Refuse to have the clock end a training in stages, whose lengths are shares of its steps.

    Raises:
        ConfigError: If it may.
    """
    if config.training.max_minutes is not None:
        raise ConfigError(
            f"{origin}: a training in stages divides training.max_steps among them, found training.max_minutes = "
            f"{config.training.max_minutes:g}; set max_steps to what is reached in that time, and max_minutes to null"
        )


def refuse_an_early_end(config: RunConfig, origin: str) -> None:
    """Refuse to have anything but `training.max_steps` end the training of a model that follows its length.

    Args:
        config: The configuration of a training that is to begin or to go on.
        origin: Named in errors.

    Raises:
        ConfigError: If the clock or validations that do not improve may.
    """
    training = config.training
    enders = {"max_minutes": training.max_minutes, "patience": training.patience}
    found = {f"training.{name}": value for name, value in enders.items() if value is not None}
    if config.model.follows_length and found:
        raise ConfigError(
            f"{origin}: this model is trained for training.max_steps = {training.max_steps:,} and finished at its end "
            "alone (noise of gates, or samples of layers, follow the share that is done), found "
            f"{' and '.join(f'{name} = {value:g}' for name, value in found.items())}, which may end it before; set "
            f"{' and '.join(found)} to null, and max_steps to what is to be reached"
        )


def plan_course(config: RunConfig, steps: int, origin: str) -> RunConfig:
    """Fill in what follows from the length of a training.

    Args:
        config: Its configuration.
        steps: Its updates.
        origin: Named in errors.

    Raises:
        ConfigError: If the training may end before.
    """
    is_bounded = config.training.max_minutes is not None
    plans: dict[str, Any] = {
        "sampling": config.sampling.for_training(steps),
        "optimizer": config.optimizer.for_training(steps),
    }
    for section, planned in plans.items():
        given = getattr(config, section).model_dump()
        filled = [f"{section}.{key}" for key, value in planned.model_dump().items() if given[key] != value]
        if filled and is_bounded:
            raise ConfigError(
                f"{origin}: {section}.method {planned.name} plans its path over training.max_steps = {steps:,}, which "
                "training.max_minutes may cut short; set training.max_steps to what is reached in that time and "
                f"training.max_minutes to null, or give {' and '.join(filled)}"
            )
    return config.model_copy(update=plans)


def _unwritable(value: Any, name: str = "") -> Iterator[str]:
    """Yield the dotted names of the settings whose text no file and no path can hold."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _unwritable(key, f"{name}.{key!r}".lstrip("."))
            yield from _unwritable(inner, f"{name}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _unwritable(inner, name)
    elif isinstance(value, str) and ("\0" in value or value != value.encode(errors="ignore").decode()):
        yield name


def dump_config(config: RunConfig) -> str:
    """Return the resolved configuration as YAML, paths absolute, which loads again as it is."""
    absolute = {
        "data": config.data.with_absolute_paths(),
        "vocabulary": config.vocabulary.with_absolute_path(),
        "model": config.model.with_absolute_path(),
    }
    return dump_yaml(config.model_copy(update=absolute).model_dump(mode="json"))


def differing_keys(before: dict[str, Any], after: dict[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted keys whose values differ between two configurations, with both values."""
    keys = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            keys += differing_keys(old, new, f"{prefix}{key}.")
        elif old != new:
            keys.append(f"{prefix}{key}: {shorten(old)} there, {shorten(new)} now")
    return keys
