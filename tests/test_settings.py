"""Every number of every settings class has a lower and an upper bound, and no value is turned into another type."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

import catscale
from catscale.balancing import METHODS
from catscale.data.config import DataConfig
from catscale.data.vocabulary_training import VocabularyConfig
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.model.presets import ModelConfig
from catscale.run.config import parse_config
from catscale.run.overrides import apply_overrides
from catscale.sampling import SAMPLERS
from catscale.settings import Settings
from catscale.training.analysis_config import AnalysisConfig
from catscale.training.config import TrainingConfig

UNBOUNDED: set[tuple[str, str]] = set()
"""Class and field of the exceptions, of which there are none."""


def classes(base: type[Settings] = Settings) -> Iterator[type[Settings]]:
    for child in base.__subclasses__():
        if child.__module__.startswith("catscale."):
            yield child
        yield from classes(child)


@pytest.fixture(scope="module", autouse=True)
def everything() -> None:
    """All modules, so that no settings class is overlooked."""
    for module in pkgutil.walk_packages(catscale.__path__, "catscale."):
        if not module.name.endswith(("__main__", "worker")):
            try:
                importlib.import_module(module.name)
            except ImportError:  # an extra that is not installed
                continue


def numbers(annotation: Any, marks: list[Any]) -> Iterator[tuple[type, list[Any]]]:
    """Each int and float of a type annotation, with what bounds it."""
    origin = get_origin(annotation)
    if annotation in (int, float):
        yield annotation, marks
    elif origin is Annotated:
        inner, *more = get_args(annotation)
        yield from numbers(inner, [*marks, *more])
    elif origin is not None and origin is not Literal:
        is_union = origin.__name__ in ("Union", "UnionType")
        for part in get_args(annotation):
            if part is not Ellipsis:
                yield from numbers(part, marks if is_union else [])


def flat(marks: list[Any]) -> Iterator[Any]:
    for mark in marks:
        yield from flat(mark.metadata) if isinstance(mark, FieldInfo) else [mark]


def test_every_number_is_bounded_on_both_sides():
    found = set()
    seen = 0
    for owner in set(classes()):
        for name, field in owner.model_fields.items():
            for _, marks in numbers(field.annotation, list(field.metadata)):
                seen += 1
                bounds = list(flat(marks))
                lower = any(isinstance(mark, annotated_types.Ge | annotated_types.Gt) for mark in bounds)
                upper = any(isinstance(mark, annotated_types.Le | annotated_types.Lt) for mark in bounds)
                if not (lower and upper):
                    found.add((owner.__name__, name))
    assert found == UNBOUNDED
    assert seen > 100  # the walk finds them


def test_a_number_without_a_bound_would_be_found():
    marks = list(numbers(dict[str, list[Annotated[int, FieldInfo(ge=1)]]] | None, []))
    assert [kind for kind, _ in marks] == [int]
    assert {type(mark) for mark in flat(marks[0][1])} == {annotated_types.Ge}


SECTIONS: list[type[Settings]] = [
    TrainingConfig, ModelConfig, EvaluationConfig, AnalysisConfig, VocabularyConfig,
    *METHODS.values(), *SAMPLERS.values(),
]  # fmt: skip


REQUIRED = {"knots": [(0, 1.0), (10, 5.0)], "steps": 5}  # the only settings that must be given
WRONG = (True, "3", "1e3", float("nan"), float("inf"), -float("inf"), 10**400)


@pytest.mark.parametrize("owner", SECTIONS, ids=lambda owner: owner.__name__)
def test_no_value_is_turned_into_another_type(owner):
    required = {name: REQUIRED[name] for name, field in owner.model_fields.items() if field.is_required()}
    assert owner(**required)
    for name, field in owner.model_fields.items():
        for kind, _ in numbers(field.annotation, list(field.metadata)):
            for value in (*WRONG, *([3.0, 2.5] * (kind is int))):
                with pytest.raises(ValidationError):
                    owner(**{**required, name: value})


DATA = {"format": "moses", "path": "x", "source": "en", "targets": "all"}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.max_steps=true", "training.max_steps: input should be a valid integer, found True"),
        ("training.max_steps=017", "training.max_steps: input should be a valid integer, found '017'; write it"),
        ("training.max_steps=1:30", "training.max_steps: input should be a valid integer, found '1:30'; write"),
        ("training.max_steps=0b1", "training.max_steps: input should be a valid integer, found '0b1'"),
        ("training.max_steps=0o17", "training.max_steps: input should be a valid integer, found '0o17'"),
        ("training.max_steps=1_000", "training.max_steps: input should be a valid integer, found '1_000'; write it"),
        ("training.max_steps=1e3", "training.max_steps: input should be a valid integer, found 1000.0; write 1000"),
        ("training.max_steps=3.0", "training.max_steps: input should be a valid integer, found 3.0; write 3"),
        ("training.max_steps='3'", "training.max_steps: input should be a valid integer, found '3'; write"),
        ("training.max_steps=2020-01-01", "training.max_steps: input should be a valid integer, found '2020-01-01'"),
        ("training.max_steps=10000000000", "training.max_steps: input should be less than or equal to 1000000000"),
        ("training.learning_rate=.inf", "training.learning_rate: input should be a finite number"),
        ("training.learning_rate=nan", "training.learning_rate: input should be a valid number, found 'nan'"),
        ("training.learning_rate=true", "training.learning_rate: input should be a valid number, found True"),
        ("training.batch_tokens=1000000000000", "training.batch_tokens: input should be less than or equal to"),
        ("training.threads=100000", "training.threads: input should be less than or equal to 1024"),
        ("training.seed=9223372036854775808", "training.seed: input should be less than 9223372036854775808"),
        ("training.sharded=yes", "training.sharded: input should be a valid boolean, found 'yes'; write tr"),
        ("training.sharded=1", "training.sharded: input should be a valid boolean, found 1"),
        ("training.device=0", "training.device: input should be a valid string, found 0; quote it"),
        ("vocabulary.size=1000000000000", "vocabulary.size: input should be less than or equal to"),
        ("model.width=2", "model.width: input should be greater than or equal to 4"),
        ("model.encoder_layers=1000000", "model.encoder_layers: input should be less than or equal to 200"),
        ("model.heads=3", "model.width must be even and divisible by model.heads, found width 256 and 3 heads"),
        ("evaluation.beam=true", "evaluation.beam: input should be a valid integer, found True"),
        ("sampling.temperature=0x", "sampling.temperature.*: input should be a valid number, found '0x'"),
        ("data.columns={en: true}", "data.columns"),
        ("data.limit={en-az: 2.0}", "data.limit.en-az: input should be a valid integer, found 2.0; write 2"),
        ("data.source=[a/../../x]", "data.source.*: a language's code has letters from A to Z"),
    ],
)  # fmt: skip
def test_a_number_is_what_it_looks_like_or_refused(override, message):
    content: dict[str, Any] = {"data": dict(DATA)}
    apply_overrides(content, [override], {"sampling": "temperature"})
    with pytest.raises(ConfigError, match=message):
        parse_config(content, "a configuration")


@pytest.mark.parametrize(
    ("override", "value"),
    [("learning_rate=1e-3", 0.001), ("learning_rate=.5", 0.5), ("learning_rate=1", 1.0), ("seed=0x1f", 31),
     ("keep=+2", 2),     ("weight_decay=5e-1", 0.5)],
)  # fmt: skip
def test_numbers_that_are_read(override, value):
    content: dict[str, Any] = {"data": dict(DATA)}
    apply_overrides(content, [f"training.{override}"])
    found = getattr(parse_config(content, "a configuration").training, override.partition("=")[0])
    assert (type(found), found) == (type(value), value)


def test_languages_are_words():
    content: dict[str, Any] = {"data": dict(DATA)}
    apply_overrides(content, ["data.targets=[no, da]", "data.language_codes={no: nb}"])
    found = DataConfig.model_validate(content["data"])
    assert (found.targets, found.language_codes) == (["no", "da"], {"no": "nb"})
