"""The section `optimizer` of a configuration, its plan, and its part of a sweep's method."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from catscale.errors import ConfigError
from catscale.optimisation.adamw import AdamW
from catscale.optimisation.contract import OptimizerSettings
from catscale.optimisation.sam import SAM
from catscale.optimisation.table import OPTIMIZERS
from catscale.run.config import RunConfig, dump_config, load_config, parse_config
from catscale.run.method_text import configure
from catscale.run.sections import SECTIONS

DATA: dict[str, Any] = {"data": {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}}


def parse(optimizer: object, **training: Any) -> OptimizerSettings:
    return parse_config(DATA | {"optimizer": optimizer, "training": {"max_steps": 200} | training}, "x").optimizer


def sam(**settings: Any) -> SAM:
    return SAM(**settings)


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ({}, AdamW()),
        ({"learning_rate": 0.5}, AdamW(learning_rate=0.5)),
        ({"method": "adamw", "schedule": "constant"}, AdamW(schedule="constant")),
        ({"schedule": "cosine"}, AdamW(schedule="cosine", total_steps=200)),
        ({"schedule": "linear", "total_steps": 90}, AdamW(schedule="linear", total_steps=90)),
        ({"method": "sam", "rho": 0.1}, sam(rho=0.1, total_steps=200)),
        ({"method": "sam", "from": 0}, sam(**{"from": 0.0})),
    ],
)
def test_it_is_read_and_written(optimizer: object, expected: OptimizerSettings) -> None:
    config = parse_config(DATA | {"optimizer": optimizer, "training": {"max_steps": 200}}, "x")
    assert config.optimizer == expected
    again = parse_config(yaml.safe_load(dump_config(config)), "y")
    assert again.optimizer == expected
    assert dump_config(again) == dump_config(config)


def test_without_the_section_it_is_adamw() -> None:
    assert parse_config(DATA, "x").optimizer == AdamW()


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ({"method": "adam"}, "optimizer.method: 'adam' is not known; did you mean adamw?"),
        ({"method": "cats"}, "it is a method of the section balancing: set balancing.method to it"),
        ({"method": "sam", "fron": 0.5}, r"optimizer\.fron: unknown key; did you mean from\?"),
        ({"method": "sam", "from": 1.5}, r"optimizer\.from: input should be less than or equal to 1, found 1\.5"),
        ({"rho": 0.5}, r"optimizer\.rho: unknown key"),
        ({"schedule": "cosin"}, r"optimizer\.schedule: there is no such schedule; did you mean 'cosine'\?"),
        ({"betas": [0.9, 1.5]}, r"optimizer\.betas\.1: input should be less than 1, found 1\.5"),
    ],
)
def test_mistakes(optimizer: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(optimizer)


def test_a_plan_belongs_to_the_run_whatever_becomes_of_its_length(tmp_path: Path) -> None:
    config = parse_config(DATA | {"optimizer": {"schedule": "cosine"}, "training": {"max_steps": 200}}, "x")
    path = tmp_path / "x.yaml"
    path.write_text(dump_config(config))
    assert load_config(path, ["training.max_steps=300"]).optimizer == config.optimizer


@pytest.mark.parametrize("optimizer", [{"schedule": "cosine"}, {"method": "sam"}])
def test_a_training_that_ends_by_the_clock_needs_a_plan(optimizer: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.method \w+ plans its path .*or give optimizer\.total_steps$"):
        parse(optimizer, max_minutes=5)
    assert parse(optimizer | {"total_steps": 90}, max_minutes=5).total_steps == 90


def test_another_method_keeps_the_settings_that_both_have(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(yaml.safe_dump(DATA | {"optimizer": {"learning_rate": 0.5, "betas": [0.5, 0.6]}}))
    assert load_config(path, ["optimizer.method=sam", "optimizer.from=0"]).optimizer == sam(
        learning_rate=0.5, betas=(0.5, 0.6), **{"from": 0.0}
    )
    path.write_text(yaml.safe_dump(DATA | {"optimizer": {"method": "sam", "learning_rate": 0.5, "rho": 1.0}}))
    assert load_config(path, ["optimizer.method=adamw"]).optimizer == AdamW(learning_rate=0.5)


@pytest.fixture
def config() -> RunConfig:
    return parse_config(DATA | {"optimizer": {"learning_rate": 0.5}, "training": {"max_steps": 200}}, "test")


def test_a_sweep_s_method_may_name_an_optimiser(config: RunConfig) -> None:
    found = configure(config, "T=5+sam:rho=0.1", 3)
    assert found.optimizer == sam(learning_rate=0.5, rho=0.1, total_steps=200)
    assert (found.sampling.name, found.balancing.name, found.training.seed) == ("temperature", "fixed", 3)
    everything = configure(config, "T=1+cats:alpha_lr=0.01+sam:from=0,schedule=cosine", 1)
    assert everything.optimizer == sam(learning_rate=0.5, schedule="cosine", total_steps=200, **{"from": 0.0})
    assert everything.balancing.name == "cats"
    assert configure(config, "cats", 1).optimizer == config.optimizer
    assert configure(found, "adamw", 1).optimizer == AdamW(learning_rate=0.5, total_steps=200)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_is_known(config: RunConfig, name: str) -> None:
    assert configure(config, f"T=5+{name}", 1).optimizer.name == name


def test_two_optimisers_at_once(config: RunConfig) -> None:
    with pytest.raises(ConfigError, match="names optimizer twice; join at most one way of sampling"):
        configure(config, "sam+adamw", 1)


def test_names_of_methods_tell_their_section() -> None:
    names = [name for section in SECTIONS.values() for name in section.methods]
    assert len(names) == len(set(names))


def test_the_examples_of_the_documentation_load() -> None:
    text = (Path(__file__).parents[2] / "docs" / "optimisation.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    sections = [section for block in blocks if (section := yaml.safe_load(block).get("optimizer"))]
    assert {parse(section).name for section in sections} == set(OPTIMIZERS)
    assert set(re.findall(r"^## `(\w+)`", text, re.MULTILINE)) == set(OPTIMIZERS)
