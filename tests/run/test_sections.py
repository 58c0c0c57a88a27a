"""The sections of a configuration whose settings are those of a method."""

from itertools import combinations

import pytest

from catscale.run.config import RunConfig, parse_config
from catscale.run.sections import SECTIONS

DATA = {"format": "moses", "path": "x", "source": "en", "targets": "all"}


def test_no_two_sections_know_a_method_of_the_same_name() -> None:
    for (first, one), (second, other) in combinations(SECTIONS.items(), 2):
        assert not set(one.methods) & set(other.methods), (first, second)


def test_every_section_is_one_of_a_configuration() -> None:
    assert set(SECTIONS) <= set(RunConfig.model_fields)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_takes_every_method_of_its_table(name: str) -> None:
    section = SECTIONS[name]
    assert section.default is None or section.default in section.methods
    for method, settings in section.methods.items():
        assert settings.model_fields["method"].default == method


@pytest.mark.parametrize(("name", "default"), [("sampling", "temperature"), ("optimizer", "adamw")])
def test_the_default_is_what_a_configuration_without_a_name_has(name: str, default: str) -> None:
    config = parse_config({"data": DATA, name: {}}, "test")
    assert getattr(config, name).method == SECTIONS[name].default == default


def test_another_optimiser_keeps_the_settings_that_it_shares_and_another_sampler_none() -> None:
    kept = SECTIONS["optimizer"].settings_kept({"method": "sam", "learning_rate": 0.5, "rho": 0.1}, "adamw")
    assert kept == {"learning_rate": 0.5}
    assert SECTIONS["sampling"].settings_kept({"temperature": 3}, "temperature") == {}
