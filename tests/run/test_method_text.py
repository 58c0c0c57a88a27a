"""Methods written in a few characters."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from catscale.balancing.methods.table import METHODS
from catscale.errors import ConfigError
from catscale.model.m2m100 import M2M100
from catscale.model.table import ARCHITECTURES
from catscale.run.config import RunConfig, parse_config
from catscale.run.method_text import configure, folder_name
from catscale.sampling.table import SAMPLERS
from tests.own_module import module_at_hand
from tests.unchecked import unchecked

OWN = """
from typing import Literal

from catscale.balancing.contract import MethodSettings
from catscale.optimisation.sam import SAM
from catscale.sampling import TemperatureSampling


class Hot(TemperatureSampling):
    heat: float = 2.0


class Heavy(MethodSettings):
    method: Literal["heavy"] = "heavy"
    losses: Literal["tokens", "tasks"] = "tokens"


class Slow(SAM):
    pause: int = 1


NUMBER = 3
"""


@pytest.fixture
def config() -> RunConfig:
    content = {
        "data": {"format": "moses", "path": "x", "source": "en", "targets": "all"},
        "sampling": {"temperature": 5},
    }
    return parse_config(content | {"balancing": {"method": "cats", "alpha_lr": 0.5}}, "test")


@pytest.mark.parametrize(
    ("text", "sampling", "balancing"),
    [
        ("T=1", {"temperature": 1.0}, {"method": "fixed"}),
        ("t = 100", {"temperature": 100.0}, {"method": "fixed"}),
        ("cats", {"temperature": 5.0}, {"method": "cats"}),
        ("T=1+cats:alpha_lr=0.01,inner_steps=5", {"temperature": 1.0}, {"alpha_lr": 0.01, "inner_steps": 5}),
        ("every+cats:metric=adam", {"method": "every"}, {"metric": "adam"}),
        ("cats:alpha_lr=1e+0 + T=2", {"temperature": 2.0}, {"alpha_lr": 1.0}),
        (
            "fixed:task_weights={en-az: 2, en-be: 0.5}",
            {"temperature": 5.0},
            {"task_weights": {"en-az": 2.0, "en-be": 0.5}},
        ),
        ("multidds", {"method": "multidds"}, {"method": "fixed"}),
        ("own_gap:strength=2", {"method": "own_gap", "strength": 2}, {"method": "fixed"}),
        ("pike:gain=0.2", {"method": "pike", "gain": 0.2}, {"method": "fixed"}),
        ("soft_unimax", {"method": "soft_unimax"}, {"method": "fixed"}),
        ("temperature_schedule:schedule=cooldown", {"method": "temperature_schedule"}, {"method": "fixed"}),
        ("chi_square:radius=0.1+cats", {"method": "chi_square", "radius": 0.1}, {"method": "cats"}),
        ("dev_loss", {"method": "dev_loss"}, {"method": "fixed"}),
        ("odm", {"method": "odm"}, {"method": "fixed"}),
        ("ado:temperature=5", {"method": "ado", "temperature": 5}, {"method": "fixed"}),
        ("doge+pcgrad", {"method": "doge"}, {"method": "pcgrad"}),
        ("adaptive_scheduling", {"method": "adaptive_scheduling"}, {"method": "fixed"}),
        ("multidds:reward=uncertainty", {"method": "multidds", "reward": "uncertainty"}, {"method": "fixed"}),
        ("multidds+pcgrad", {"method": "multidds"}, {"method": "pcgrad"}),
    ],
)
def test_a_method_changes_sampling_and_balancing_alone(config, text, sampling, balancing):
    found = configure(config, text, seed=7)
    dumped = found.model_dump(mode="json")
    assert dumped["sampling"] | sampling == dumped["sampling"]
    assert dumped["balancing"] | balancing == dumped["balancing"]
    assert found.training == config.training.model_copy(update={"seed": 7})
    assert (found.data, found.vocabulary, found.model, found.evaluation) == (
        config.data,
        config.vocabulary,
        config.model,
        config.evaluation,
    )


def test_settings_of_the_configuration_s_own_method_are_not_carried_over(config):
    assert configure(config, "cats", 1).balancing != config.balancing
    assert configure(config, "cats", 1).balancing == METHODS["cats"]()


@pytest.mark.parametrize("name", [*METHODS, *SAMPLERS])
def test_every_method_and_sampler_is_known(config, name):
    needed = {"temperature_schedule": ":knots=[[0, 5.0]]", "pretrain_finetune": ":steps=4"}
    found = configure(config, name + needed.get(name, ""), 1)
    assert name in (found.balancing.name, found.sampling.name)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "pretrained"])
def test_every_architecture_is_known_and_keeps_the_sizes(config, name):
    own = config.model_copy(update={"model": M2M100(preset="tiny", decoder_layers=3)})
    found = configure(own, f"T=5+{name}:dropout=0.2", 1).model.model_dump()
    assert (found["architecture"], found["preset"], found["decoder_layers"], found["dropout"]) == (name, "tiny", 3, 0.2)
    assert configure(own, "T=5", 1).model == own.model


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat", r"'cat' is not known; did you mean cats\?"),
        ("", r"'' is not known; known are T=NUMBER, fixed, cats"),
        ("T=1+T=5", "names sampling twice"),
        ("cats+pcgrad", "names balancing twice"),
        ("cats:alpha_lr", "settings are key=value, divided by commas, each once; found 'alpha_lr'"),
        ("cats:alpha_lr=1,alpha_lr=2", "each once; found 'alpha_lr=2'"),
        ("cats:method=fixed", "found 'method=fixed'"),
        ("cats:alpha_rate=1", r"(?s)the method 'cats:alpha_rate=1' has 1 problem.*did you mean alpha_lr"),
        ("cats:alpha_lr=-1", r"(?s)the method 'cats:alpha_lr=-1' has 1 problem.*balancing.alpha_lr"),
        ("cats:alpha_lr=[1", "is not valid YAML"),
        ("T=.inf", r"(?s)the method 'T=.inf' has 1 problem.*sampling.temperature: input should be a finite number"),
        ("T=0", r"(?s)the method 'T=0' has 1 problem.*sampling.temperature"),
    ],
)
def test_a_mistake_is_named(config, text, message):
    with pytest.raises(ConfigError, match=message):
        configure(config, text, 1)


def test_a_folder_s_name_is_safe_and_tells_the_method():
    assert folder_name("T=1+cats:alpha_lr=0.01") == "T=1+cats_alpha_lr=0.01"
    assert "/" not in folder_name("cats:x=../../y")


def test_the_name_of_a_folder_is_a_name():
    assert folder_name("T=1+cats:alpha_lr=0.01") == "T=1+cats_alpha_lr=0.01"
    for method in ("cats:x=../../etc", "fixed:task_weights={a/b: 1}", "cats:x=\u00e9\x00\n\u0663", "T=1+" + "x" * 5000):
        assert re.fullmatch(r"[A-Za-z0-9_.=+,-]{1,150}", folder_name(method))
    long = "fixed:task_weights=[" + "1," * 100
    assert folder_name(long + "1]") != folder_name(long + "2]")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module in the working directory, by a name that no other test has."""
    with module_at_hand(tmp_path, monkeypatch, OWN) as name:
        yield name


def test_classes_of_the_user_s_own_stand_in_the_place_of_names(config: RunConfig, module: str) -> None:
    known = {"learning_rate": 0.25, "weight_decay": 0.125}  # the second is of those alone that step as Adam does
    config = config.model_copy(update={"optimizer": config.optimizer.model_copy(update=known)})
    text = f"{module}:Hot:heat=0.3,temperature=2 + {module}:Heavy + {module}:Slow:pause=3,rho=0.2"
    found = configure(config, text, 7).model_dump(mode="json")
    assert found["sampling"] | {"method": f"{module}:Hot", "heat": 0.3, "temperature": 2.0} == found["sampling"]
    assert found["balancing"] == {"method": f"{module}:Heavy", "losses": "tokens"}
    own = {"method": f"{module}:Slow", "pause": 3, "rho": 0.2, **known}
    assert found["optimizer"] | own == found["optimizer"]
    beside = configure(config, f"T=1+{module}:Heavy", 1)
    assert unchecked(beside.sampling).temperature == 1.0
    assert beside.balancing.name == f"{module}:Heavy"
    assert folder_name(f"{module}:Hot:heat=0.3") == f"{module}_Hot_heat=0.3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}:Cold", r":Cold cannot be imported .*no attribute 'Cold'.*; or name one of T=NUMBER, fixed, cats"),
        ("catz:Hot", r"the method 'catz:Hot': catz:Hot cannot be imported \(No module named 'catz'\); put the module"),
        (
            "{}:NUMBER",
            r"must be a class that derives from catscale\.balancing\.contract\.MethodSettings or .*Sampl.* or .*Optim",
        ),
        ("{}:Hot:haet=1", r"(?s)has 1 problem.*haet: unknown key; did you mean heat"),
        ("{}:Hot:method=cats", r"settings are key=value, .*found 'method=cats'; write it as in .*MySampler:rate=0\.3"),
        ("T=5+{}:Hot", "names sampling twice"),
        ("cats:Hot", r"settings are key=value, divided by commas, each once; found 'Hot'"),
        ("catz:alpha_lr=1", r"'catz' is not known; did you mean cats\?"),
    ],
)
def test_a_mistake_in_naming_them_is_named(config: RunConfig, module: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        configure(config, text.format(module), 1)
