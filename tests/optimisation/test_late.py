"""The step from which the loss is looked at in a second place, and how that is written down."""

from typing import Any

import pytest
import torch
from torch.nn import Parameter

from catscale.errors import ConfigError
from catscale.optimisation.lagrangian import Lagrangian
from catscale.optimisation.late import LateSettings
from catscale.optimisation.looksam import LookSAM
from catscale.optimisation.samo import SAMO

LATE = [LookSAM, SAMO, Lagrangian]


def late(start: float, total: int | None = None) -> LateSettings:
    given: dict[str, Any] = {"from": start, "total_steps": total}
    return LateSettings(**given)


@pytest.mark.parametrize(
    ("start", "total", "plain"),
    [
        (0.85, 40, 34),
        (0.85, 1, 0),
        (0.5, 7, 3),
        (0.29, 100, 29),  # as a float 28.999999999999996
        (0.58, 100, 58),  # 57.99999999999999
        (0.07, 100, 7),  # 7.000000000000001
        (1.0, 12, 12),
        (0.0, 12, 0),
        (1e-9, 12, 0),
    ],
)
def test_the_last_plain_step_is_the_share_rounded_down_but_for_what_floats_lose(
    start: float, total: int, plain: int
) -> None:
    settings = late(start, total)
    assert settings.plain_steps() == plain
    assert [step for step in range(1, total + 1) if settings.is_sharp(step)] == list(range(plain + 1, total + 1))


def test_a_later_start_never_has_more_sharp_steps() -> None:
    counts = [late(start / 64, 37).plain_steps() for start in range(65)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 37)


def test_from_the_beginning_no_length_is_needed_and_otherwise_it_is() -> None:
    assert (late(0.0).needs_length, late(0.0).is_sharp(1)) == (False, True)
    assert late(0.001).needs_length
    with pytest.raises(ConfigError, match="give it, or call for_training"):
        late(0.001).plain_steps()
    with pytest.raises(ConfigError, match=r"optimizer\.total_steps follows from the length"):
        SAMO().is_sharp(1)


def test_a_length_that_was_given_is_kept() -> None:
    assert late(0.5, 10).for_training(1000).plain_steps() == 5
    assert late(0.5).for_training(1000).plain_steps() == 500


@pytest.mark.parametrize("kind", LATE)
def test_the_share_is_written_under_the_name_that_it_is_read_by(kind: type[LateSettings]) -> None:
    given: dict[str, Any] = {"from": 0.25, "total_steps": 8}
    written = kind(**given).model_dump(mode="json")
    assert (written["from"], "start" in written) == (0.25, False)
    assert kind(**written) == kind(**given)
    assert kind(**written).plain_steps() == 2


@pytest.mark.parametrize("kind", LATE)
@pytest.mark.parametrize("start", [-0.01, 1.01, float("nan")])
def test_a_share_outside_of_its_bounds_is_refused(kind: type[LateSettings], start: float) -> None:
    given: dict[str, Any] = {"from": start}
    with pytest.raises(ConfigError, match=rf"{kind.__name__}\.from: "):
        kind(**given)


@pytest.mark.parametrize("kind", LATE)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_small_formats_are_refused_by_the_first_parameter_s_name(kind: type[LateSettings], dtype: torch.dtype) -> None:
    kinds = {"a": torch.float64, "b": dtype, "c": dtype}
    named = {name: Parameter(torch.ones(2, dtype=found)) for name, found in kinds.items()}
    with pytest.raises(ConfigError, match=rf"{kind().name} needs parameters of 32 bits or more, found b in {dtype}"):
        kind().build(named)
    del named["b"], named["c"]
    assert kind().build(named).param_groups[0]["params"] == [named["a"]]
