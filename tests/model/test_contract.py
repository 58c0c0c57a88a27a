"""What every architecture in the table promises; a new one is tested here by being listed."""

from collections.abc import Callable
from typing import Any

import pytest

from catscale.model.checks import CHECKS
from catscale.model.contract import Architecture
from catscale.model.table import ARCHITECTURES
from catscale.model.transformer import Transformer
from tests.model.adapted import Adapted
from tests.unchecked import unchecked

SMALL: dict[str, Any] = {
    "preset": "tiny",
    "width": 16,
    "heads": 2,
    "feed_forward": 24,
    "encoder_layers": 2,
    "decoder_layers": 1,
}
VARIANTS: dict[str, Architecture] = {
    name: found(**SMALL) if issubclass(found, Transformer) else found() for name, found in ARCHITECTURES.items()
}
VARIANTS |= {
    "m2m100, no norms": unchecked(ARCHITECTURES["m2m100"])(**SMALL, layer_norm_parameters=False),
    "toy": Adapted(**SMALL),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", VARIANTS)
def test_the_contract(name: str, check: Callable[[Architecture], None]) -> None:
    check(VARIANTS[name])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_names_agree_with_the_table(name: str) -> None:
    assert ARCHITECTURES[name].model_fields["architecture"].default == name
