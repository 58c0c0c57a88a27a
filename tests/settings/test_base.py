"""Every number of every settings class has a lower and an upper bound, and no value is turned into another type."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
import pytest
from pydantic.fields import FieldInfo

import catscale
from catscale.analysis.config import AnalysisConfig
from catscale.balancing import CATS, METHODS, Fixed
from catscale.data.config import DataConfig
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.model.m2m100 import M2M100
from catscale.run.config import RunConfig, parse_config
from catscale.run.overrides import apply_overrides
from catscale.run.sections import SECTIONS as OF_METHODS
from catscale.sampling import SAMPLERS
from catscale.settings import Settings
from catscale.training.config import TrainingConfig
from catscale.vocabulary.training import SentencePieceSettings
from tests.unchecked import unchecked

UNBOUNDED: set[tuple[str, str]] = set()
"""Class and field of the exceptions, of which there are none."""


LAX: Any = CATS
"""The class, as a caller without a type checker has it."""


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
    TrainingConfig, M2M100, EvaluationConfig, AnalysisConfig, SentencePieceSettings,
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
                with pytest.raises(ConfigError):
                    owner(**{**required, name: value})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LAX(alpha_lrr=0.1), r"^CATS\.alpha_lrr: unknown key; did you mean alpha_lr\?$"),
        (lambda: LAX(zzz=1), r"^CATS\.zzz: unknown key; known here: method, .*, formulation, inner_steps, alpha_lr,"),
        (lambda: LAX(alpha_lr="0.1"), r"^CATS\.alpha_lr: input should be a valid number, found '0\.1'; write it as a"),
        (lambda: CATS(alpha_lr=-1), r"^CATS\.alpha_lr: input should be greater than or equal to 0, found -1$"),
        (lambda: LAX(inner_steps=10.0), r"^CATS\.inner_steps: input should be a valid integer, found 10\.0; write 10"),
        (lambda: LAX(formulation="papr"), r"^CATS\.formulation: input should be 'implicit' or 'paper', found 'papr'$"),
        (lambda: LAX(smoothing=2, zzz=1), r"^CATS has 2 problems:\n  CATS\.smoothing: .*found 2\n  CATS\.zzz: "),
        (lambda: SAMPLERS["pretrain_finetune"](), r"^PretrainFinetune\.steps: field required$"),
        (lambda: M2M100(width=6, heads=4), r"^M2M100: model\.width must be .* found width 6 and 4 heads$"),
        (lambda: parts(training={"max_step": 3}), r"RunConfig\.training\.max_step: .*; did you mean max_steps\?"),
        (lambda: parts(balancing={"method": "cats", "alpha_lrr": 1}), r"\.balancing\.alpha_lrr: .* mean alpha_lr\?"),
    ],
)  # fmt: skip
def test_a_class_called_with_wrong_settings_names_itself_and_them(make, message):
    with pytest.raises(ConfigError, match=message) as error:
        make()
    assert error.value.__suppress_context__  # no second traceback, of the library that found it


def parts(**settings: Any) -> RunConfig:
    return RunConfig(data=DataConfig.model_validate(DATA), **settings)


@pytest.mark.parametrize(
    ("make", "answer"),
    [
        (lambda: LAX("paper"), r"CATS takes its .* found 'paper' without one; write CATS\(formulation='paper'\)"),
        (lambda: LAX(0.1, alpha_lr=3), r"found 0\.1 .*; write CATS\(alpha_lr=…\), with one of its names: alpha_lr, "),
        (lambda: LAX({"alpha_lr": 1}), r"found {'alpha_lr': 1} without one; write CATS\(\*\*settings\)"),
        (lambda: LAX(None, "paper"), r"found None without one; write CATS\(statistics_tokens=…\), .*, alpha_init, mul"),
        (lambda: unchecked(Fixed)("x"), r"write Fixed\(task_weights=…\), .*: task_weights, temperature, losses$"),
        (lambda: SAMPLERS["temperature"](5), r"write TemperatureSampling\(temperature=5\)$"),
        (lambda: SAMPLERS["temperature_schedule"]([(0, 1.0)]), r"write TemperatureSchedule\(knots=\[\(0, 1\.0\)\]\)$"),
    ],
)  # fmt: skip
def test_settings_without_their_names_are_answered_with_what_to_write(make, answer):
    with pytest.raises(ConfigError, match=answer):
        make()


@pytest.mark.parametrize("owner", SECTIONS, ids=lambda owner: owner.__name__)
def test_every_class_names_the_nearest_setting(owner):
    for name in owner.model_fields:
        if name not in REQUIRED:
            with pytest.raises(ConfigError, match=rf"{owner.__name__}\.{name}_: unknown key; did you mean {name}\?"):
                owner(**{f"{name}_": 1})
    with pytest.raises(ConfigError, match=rf"{owner.__name__} takes its settings by name, found <object"):
        owner(object())


def test_settings_do_not_change():
    settings = CATS()
    with pytest.raises(ConfigError, match=r"CATS\.alpha_lr cannot be set: .* as in CATS\(alpha_lr=…\)"):
        unchecked(settings).alpha_lr = 0.1
    assert settings == CATS()


def test_what_files_say_is_not_named_by_a_class():
    with pytest.raises(ConfigError) as error:
        parse_config({"data": dict(DATA), "balancing": {"method": "cats", "alpha_lrr": 1}}, "my.yaml")
    assert str(error.value) == "my.yaml has 1 problem:\n  balancing.alpha_lrr: unknown key; did you mean alpha_lr?"


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
        ("optimizer.learning_rate=.inf", "optimizer.learning_rate: input should be a finite number"),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate: input should be a valid number, found 'nan'"),
        ("optimizer.learning_rate=true", "optimizer.learning_rate: input should be a valid number, found True"),
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
    apply_overrides(content, [override], OF_METHODS)
    with pytest.raises(ConfigError, match=message):
        parse_config(content, "a configuration")


@pytest.mark.parametrize(
    ("override", "value"),
    [("optimizer.learning_rate=1e-3", 0.001), ("optimizer.learning_rate=.5", 0.5), ("optimizer.learning_rate=1", 1.0),
     ("training.seed=0x1f", 31), ("training.keep=+2", 2), ("optimizer.weight_decay=5e-1", 0.5)],
)  # fmt: skip
def test_numbers_that_are_read(override, value):
    content: dict[str, Any] = {"data": dict(DATA)}
    apply_overrides(content, [override])
    section, _, key = override.partition("=")[0].partition(".")
    found = getattr(getattr(parse_config(content, "a configuration"), section), key)
    assert (type(found), found) == (type(value), value)


def test_languages_are_words():
    content: dict[str, Any] = {"data": dict(DATA)}
    apply_overrides(content, ["data.targets=[no, da]", "data.language_codes={no: nb}"])
    found = DataConfig.model_validate(content["data"])
    assert (found.targets, found.language_codes) == (["no", "da"], {"no": "nb"})
