"""The table of samplers and the section that chooses one agree."""

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from catscale.errors import UnknownNameError
from catscale.sampling.multidds import MultiDDS
from catscale.sampling.table import DEFAULT, SAMPLERS, SamplingConfig
from catscale.sampling.temperature import TemperatureSampling

SECTION: TypeAdapter[object] = TypeAdapter(SamplingConfig)


def test_the_section_knows_every_sampler_of_the_table() -> None:
    assert set(get_args(get_args(SamplingConfig)[0])) == set(SAMPLERS.values())
    for name, kind in SAMPLERS.items():
        assert kind.model_fields["method"].default == name


def test_a_section_that_names_none_is_temperature_sampling() -> None:
    assert SECTION.validate_python({}) == DEFAULT == TemperatureSampling()
    assert SECTION.validate_python({"temperature": 3.0}) == TemperatureSampling(temperature=3.0)
    assert SECTION.validate_python({"method": "multidds"}) == MultiDDS()


@pytest.mark.parametrize(
    ("content", "message"),
    [({"method": "uniform"}, "expected tags: 'temperature', 'temp"), ([], "valid dictionary|discriminator")],
)
def test_another_section_is_refused(content: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SECTION.validate_python(content)


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="there is no sampler 'multi-dds'; did you mean 'multidds'"):
        SAMPLERS["multi-dds"]
