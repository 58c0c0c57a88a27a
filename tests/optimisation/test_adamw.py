"""AdamW against a slow transcription, and what a step of it does."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch.optim import Optimizer

from catscale.errors import ConfigError
from catscale.optimisation.adamw import AdamSettings, AdamW
from catscale.optimisation.check_bowl import Bowl
from catscale.optimisation.checks import follow
from catscale.optimisation.contract import Descent, Seen, can_skip_on_device, skipping_where
from catscale.optimisation.sam import SAM


def test_it_is_algorithm_2_of_the_paper() -> None:
    settings = AdamW(learning_rate=0.01, warmup_steps=3, betas=(0.8, 0.95), epsilon=1e-4, weight_decay=0.2)
    bowl = Bowl()
    follow(settings, bowl, 12)
    for name, curvatures in (("first", [1.0, 9.0, 0.1]), ("second", [4.0, 2.0])):
        expected = transcription(curvatures, settings)
        torch.testing.assert_close(bowl.named[name].double(), expected, rtol=2e-5, atol=1e-7)


def transcription(curvatures: list[float], settings: AdamW) -> torch.Tensor:
    """12 updates in float64; the clipping is that of all parameters together, which `norm` follows."""
    theta = [1.0, -2.0, 0.5, 3.0, -1.0]
    every = [1.0, 9.0, 0.1, 4.0, 2.0]
    m, v = [0.0] * 5, [0.0] * 5
    (one, two), rise = settings.betas, settings.warmup_steps
    for t in range(1, 13):
        rate = settings.learning_rate * min(t / rise, (rise / t) ** 0.5)
        g = [h * x for h, x in zip(every, theta, strict=True)]
        norm = sum(x * x for x in g) ** 0.5
        g = [x * min(1.0, 1.0 / norm) for x in g]
        m = [one * a + (1 - one) * x for a, x in zip(m, g, strict=True)]
        v = [two * a + (1 - two) * x * x for a, x in zip(v, g, strict=True)]
        for i in range(5):
            step = (m[i] / (1 - one**t)) / ((v[i] / (1 - two**t)) ** 0.5 + settings.epsilon)
            theta[i] -= rate * (step + settings.weight_decay * theta[i])
    part = [theta[i] for i, h in enumerate(every) if h in curvatures]
    return torch.tensor(part, dtype=torch.float64)


def test_it_descends_once() -> None:
    bowl = Bowl()
    follow(AdamW(), bowl, 5)
    assert bowl.calls == 5


def test_its_defaults_are_those_of_version_0_1() -> None:
    assert AdamW().model_dump(mode="json") == {
        "method": "adamw", "learning_rate": 1e-3, "schedule": "inverse_sqrt", "warmup_steps": 400,
        "total_steps": None, "clip_norm": 1.0, "betas": [0.9, 0.98], "epsilon": 1e-9, "weight_decay": 0.01,
    }  # fmt: skip


@pytest.mark.parametrize(
    "setting",
    [{"learning_rate": float("inf")}, {"learning_rate": 0}, {"betas": [0.9, 1.0]}, {"betas": [-0.1, 0.9]},
     {"epsilon": 0}, {"weight_decay": -1}, {"warmup_steps": -1}, {"clip_norm": 0}, {"total_steps": 0}],
)  # fmt: skip
def test_bounds(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"AdamW.{next(iter(setting))}"):
        AdamW(**setting)


def test_a_device_that_finds_a_gradient_that_is_not_finite_moves_nothing() -> None:
    settings, finite, not_finite = AdamW(), torch.tensor(0.0), torch.tensor(1.0)

    def take(*spoilt: torch.Tensor | None) -> tuple[list[torch.Tensor], dict[str, Any]]:
        torch.manual_seed(1)
        weight = torch.nn.Parameter(torch.randn(3))
        optimizer = settings.build({"w": weight})
        for step, told in enumerate(spoilt, start=1):
            weight.grad = torch.full_like(weight, math.nan if told is not_finite else step)
            with skipping_where(optimizer, told):
                settings.update(optimizer, step, torch.tensor(1.0))
            assert weight.grad is None
            assert not hasattr(optimizer, "found_inf")
        return [weight.detach()], optimizer.state_dict()

    (plain, state), (told, told_state) = take(None, None), take(finite, finite)
    assert told[0].equal(plain[0])
    assert str(told_state) == str(state)
    (once, state), (skipped, skipped_state) = take(None), take(finite, not_finite)
    assert skipped[0].equal(once[0])
    assert str(skipped_state["state"]) == str(state["state"])


class OwnTake(AdamW):
    """Moves the parameters somewhere else."""

    def take(self, optimizer: Optimizer, descent: Descent[Seen], step: int) -> Seen:
        return descent()


class OwnUpdate(AdamW):
    """Does something else with the gradients."""

    def update(self, optimizer: Optimizer, step: int, norm: torch.Tensor | None = None) -> None:
        super().update(optimizer, step, norm)


class OwnBuild(AdamW):
    """Is not fused."""

    def build(self, named: Mapping[str, torch.nn.Parameter]) -> Optimizer:
        return torch.optim.AdamW([{"params": list(named.values()), "initial_lr": 1.0}])


class OwnRate(AdamW):
    """Has another rate, and all else as it was."""

    def factor(self, step: int) -> float:
        return 0.5


@pytest.mark.parametrize(
    ("settings", "expected"),
    [(AdamW(), True), (OwnRate(), True), (SAM(), False), (OwnTake(), False), (OwnUpdate(), False), (OwnBuild(), False)],
)
def test_which_optimisers_skip_on_the_device(settings: AdamSettings, expected: bool) -> None:
    optimizer = settings.build({"w": torch.nn.Parameter(torch.ones(3))})
    assert can_skip_on_device(settings, optimizer) is expected
