"""What every optimiser in the table promises; a new one is tested here by being listed."""

from typing import Any

import pytest

from catscale.optimisation.checks import CHECKS
from catscale.optimisation.contract import OptimizerSettings
from catscale.optimisation.table import OPTIMIZERS

VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {} for name in OPTIMIZERS},
    "adamw, cosine": {"schedule": "cosine", "betas": [0.9, 0.999]},
    "adamw, unclipped": {"clip_norm": None, "weight_decay": 0.0},
    "sam, from the start": {"from": 0.0, "rho": 0.2},
    "asam, from the start": {"from": 0.0, "eta": 0.0},
    "looksam, from the start": {"from": 0.0, "every": 3},
    "flat, from the start": {"from": 0.0, "rho": 0.2},
    "samo, from the start": {"from": 0.0, "rho": 0.1},
    "lagrangian, from the start": {"from": 0.0},
    "sam, never": {"from": 1.0, "schedule": "linear"},
}


@pytest.fixture(params=VARIANTS)
def settings(request: pytest.FixtureRequest) -> OptimizerSettings:
    return OPTIMIZERS[request.param.partition(",")[0]](**VARIANTS[request.param])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_promise(check: Any, settings: OptimizerSettings) -> None:
    check(settings)


def test_names_agree_with_the_table() -> None:
    for name, kind in OPTIMIZERS.items():
        assert kind().name == name
