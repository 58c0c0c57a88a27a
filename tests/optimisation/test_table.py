"""The table of optimisers and the section that chooses one."""

import pytest
from pydantic import TypeAdapter, ValidationError

from catscale.errors import UnknownNameError
from catscale.optimisation.adamw import AdamW
from catscale.optimisation.asam import ASAM
from catscale.optimisation.contract import OptimizerSettings
from catscale.optimisation.flat import FMTL
from catscale.optimisation.lagrangian import Lagrangian
from catscale.optimisation.looksam import LookSAM
from catscale.optimisation.sam import SAM
from catscale.optimisation.sam_repeated import RepeatedSAM
from catscale.optimisation.samo import SAMO
from catscale.optimisation.table import DEFAULT, OPTIMIZERS, OptimizerConfig
from tests.unchecked import unchecked

SECTION: TypeAdapter[OptimizerSettings] = TypeAdapter(unchecked(OptimizerConfig))


def test_names_stand_for_their_classes() -> None:
    expected = {"adamw": AdamW, "sam": SAM, "asam": ASAM, "looksam": LookSAM, "flat": FMTL, "sam_repeated": RepeatedSAM}
    assert dict(OPTIMIZERS) == {**expected, "samo": SAMO, "lagrangian": Lagrangian}
    assert [SECTION.validate_python({"method": name}) for name in OPTIMIZERS] == [
        kind() for kind in OPTIMIZERS.values()
    ]


def test_a_section_that_names_none_is_adamw() -> None:
    assert SECTION.validate_python({}) == DEFAULT == AdamW()
    assert SECTION.validate_python({"weight_decay": 0.5}) == AdamW(weight_decay=0.5)


def test_settings_of_another_optimiser_are_refused() -> None:
    assert SECTION.validate_python({"method": "sam", "rho": 0.2}) == SAM(rho=0.2)
    with pytest.raises(ValidationError, match=r"adamw\.rho"):
        SECTION.validate_python({"rho": 0.2})
    with pytest.raises(ValidationError, match="expected tags: 'adamw', 'sam'"):
        SECTION.validate_python({"method": "sgd"})


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="there is no optimizer 'adam'; did you mean 'adamw'"):
        OPTIMIZERS["adam"]
