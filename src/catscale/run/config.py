"""The configuration of a run: one YAML file, every problem reported at once."""

import difflib
import re
import reprlib
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from catscale.balancing.fixed import Fixed
from catscale.balancing.methods import METHODS, BalancingConfig
from catscale.data.config import DataConfig
from catscale.data.vocabulary_training import VocabularyConfig
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.model.presets import ModelConfig
from catscale.sampling.methods import DEFAULT, SAMPLERS, SamplingConfig
from catscale.settings import Settings
from catscale.system.yaml_file import BAD_YAML, read_yaml
from catscale.training.analysis_config import AnalysisConfig
from catscale.training.config import TrainingConfig

YES_NO = '; YAML reads no, yes, on and off as true or false, so quote the word, as in "no"'

SECTIONS = {"balancing": METHODS, "sampling": SAMPLERS}
"""Tables of the methods that a section may name."""

SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = SHORT.maxlong = 80
SHORT.maxlevel = 3


class RunConfig(Settings):
    """Everything that decides what a run does.

    Attributes:
        data: Corpora and directions.
        vocabulary: Size and training of the vocabulary.
        sampling: How often a step holds each task.
        balancing: How the tasks' gradients are weighted.
        model: Sizes.
        training: The loop.
        evaluation: Decoding, metrics, resource groups.
        analysis: Curvature and gradient similarity.
    """

    data: DataConfig
    vocabulary: VocabularyConfig = VocabularyConfig()
    sampling: SamplingConfig = DEFAULT
    balancing: BalancingConfig = Fixed()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    analysis: AnalysisConfig = AnalysisConfig()


def load_config(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a configuration file.

    Args:
        path: A YAML file.
        overrides: `key=value` with a dotted key and a YAML value, as in `training.seed=2`.

    Raises:
        ConfigError: If the file or an override cannot be read, or settings are wrong; all of them are named.
    """
    content = read_yaml(path)
    # A method comes first, whatever the order: switching it drops the settings of the other, not those given here.
    for override in sorted(overrides, key=lambda text: not text.partition("=")[0].endswith(".method")):
        _apply(content, override)
    return parse_config(content, " ".join([str(path), *(f"--set {override}" for override in overrides)]))


def parse_config(content: dict[str, Any], origin: str) -> RunConfig:
    """Check the content of a configuration, and fill in what follows from the length of the training.

    Args:
        content: As read from YAML.
        origin: Named in errors.

    Raises:
        ConfigError: Naming every wrong setting.
    """
    try:
        config = RunConfig.model_validate(content)
    except ValidationError as error:
        lines = [_explain(dict(problem)) for problem in error.errors()]
        raise ConfigError(
            f"{origin} has {len(lines)} problem{'s' * (len(lines) > 1)}:\n" + "\n".join(f"  {line}" for line in lines)
        ) from None
    unwritable = sorted(set(_unwritable(config.model_dump(mode="json"))))
    if unwritable:
        raise ConfigError(
            f"{origin}: {', '.join(unwritable)} must be text that can be written to a file, found a NUL character or "
            "half of a surrogate pair; remove it"
        )
    sampling = config.sampling.for_training(config.training.max_steps)
    if sampling != config.sampling and config.training.max_minutes is not None:
        raise ConfigError(
            f"{origin}: sampling.method {sampling.name} plans its path over training.max_steps = "
            f"{config.training.max_steps:,}, which training.max_minutes may cut short; set training.max_steps to what "
            "is reached in that time and training.max_minutes to null, or give sampling.interval and "
            "sampling.learning_rate"
        )
    return config.model_copy(update={"sampling": sampling})


def _unwritable(value: Any, name: str = "") -> Iterator[str]:
    """Dotted names of the settings whose text no file and no path can hold."""
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
    """The resolved configuration as YAML, paths absolute, which loads again as it is."""
    content = config.model_copy(update={"data": config.data.with_absolute_paths()}).model_dump(mode="json")
    if content["vocabulary"]["path"] is not None:
        content["vocabulary"]["path"] = str(Path(content["vocabulary"]["path"]).absolute())
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def _apply(content: dict[str, Any], override: str) -> None:
    """Set one dotted key."""
    key, separator, text = override.partition("=")
    if not separator or not all(key.split(".")):
        raise ConfigError(f"--set needs key=value, as in training.seed=2; found {override!r}")
    try:
        value = yaml.safe_load(text)
    except BAD_YAML as error:
        raise ConfigError(f"--set {override!r}: the value is not valid YAML: {error}") from error
    *groups, last = key.split(".")
    for group in groups:
        inner = content.get(group)
        if inner is not None and not isinstance(inner, dict):
            raise ConfigError(f"--set {override!r}: {group!r} is a single value and has no keys")
        content[group] = content = dict(inner or {}) if inner is None else inner
    unnamed = DEFAULT.method if groups == ["sampling"] and content else None
    if last == "method" and content.get("method", unnamed) not in (None, value):
        content.clear()  # settings of another method would be unknown keys
    content[last] = value


def _explain(problem: dict[str, Any]) -> str:
    """One line for one problem: the key, what was found, what is allowed."""
    location = [str(part) for part in problem["loc"]]
    models = list(_models_along(RunConfig, location))
    keys = [part for part, model in models if model is not _TAG]
    name = ".".join(keys)
    if problem["type"] == "extra_forbidden":
        owner = models[-1][1]
        known = list(owner.model_fields) if isinstance(owner, type) and issubclass(owner, BaseModel) else []
        near = difflib.get_close_matches(keys[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return f"{name}: unknown key; {hint}"
    if problem["type"] == "union_tag_invalid":
        return _explain_method(name, problem["ctx"]["tag"], problem["ctx"]["expected_tags"])
    found = "" if problem["type"] == "missing" else f", found {_shorten(problem['input'])}"
    hint = YES_NO if problem["type"] == "string_type" and isinstance(problem["input"], bool) else ""
    return f"{name or 'configuration'}: {_lower(problem['msg'].removeprefix('Value error, '))}{found}{hint}"


def _explain_method(section: str, found: str, allowed: str) -> str:
    """A method that a section does not have: the nearest one, or the section that has it."""
    known = re.findall(r"'([^']*)'", allowed)
    elsewhere = next((key for key, names in SECTIONS.items() if key != section and found in names), None)
    near = difflib.get_close_matches(found, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}? " if near else ""
    if elsewhere is not None:
        hint = f"it is a method of the section {elsewhere}: set {elsewhere}.method to it. "
    return f"{section}.method: {_shorten(found)} is not known; {hint}Known here: {', '.join(known)}"


def _shorten(value: Any) -> str:
    text = SHORT.repr(value)  # aliases make a few lines of YAML a value whose whole text fills the memory
    return text if len(text) <= 80 else text[:77] + "..."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


class _TAG:
    """Marks a location part that names a variant of a union, not a key."""


def _models_along(model: Any, location: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Each part of an error's location with the settings class that it is a key of."""
    current: Any = model
    for part in location:
        if part.isdigit() and (items := _items(current)) is not None:
            yield part, None
            current = items
            continue
        variants = _variants(current)
        tagged = [v for v in variants if "method" in v.model_fields and v.model_fields["method"].default == part]
        if len(variants) > 1 and tagged:
            yield part, _TAG
            current = tagged[0]
            continue
        owner = variants[0] if variants else None
        yield part, owner
        field = owner.model_fields.get(part) if owner is not None else None
        current = field.annotation if field is not None else None


def _variants(annotation: Any) -> list[type[BaseModel]]:
    """The settings classes that a type annotation admits."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin = get_origin(annotation)
    if origin is Annotated:
        return _variants(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [model for arg in get_args(annotation) for model in _variants(arg)]
    return []


def _items(annotation: Any) -> Any:
    """What the elements of a list are, if a type annotation admits a list."""
    if get_origin(annotation) is list:
        return get_args(annotation)[0]
    inner = get_args(annotation) if get_origin(annotation) in (Annotated, Union, types.UnionType) else ()
    return next((items for arg in inner if (items := _items(arg)) is not None), None)


def differing_keys(before: dict[str, Any], after: dict[str, Any], prefix: str = "") -> list[str]:
    """Dotted keys whose values differ between two configurations, with both values."""
    keys = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            keys += differing_keys(old, new, f"{prefix}{key}.")
        elif old != new:
            keys.append(f"{prefix}{key}: {_shorten(old)} there, {_shorten(new)} now")
    return keys
