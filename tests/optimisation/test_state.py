"""State by name: other orders, groups of their own, and checkpoints of version 0.1."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch.nn import Parameter
from torch.optim import Optimizer

from catscale.optimisation.adamw import AdamW
from catscale.optimisation.check_bowl import Bowl
from catscale.optimisation.checks import bits, check_optimizer, follow
from catscale.optimisation.contract import OptimizerSettings
from catscale.optimisation.state import load_state_by_name, rename_positions, state_by_name


class TwoRates(OptimizerSettings):
    """Momentum for what is named second, at a rate of its own, before plain descent for the others."""

    method: str = "two_rates"

    def build(self, named: Mapping[str, Parameter]) -> Optimizer:
        second = [parameter for name, parameter in named.items() if name == "second"]
        others = [parameter for name, parameter in named.items() if name != "second"]
        return torch.optim.SGD(
            [
                {"params": second, "initial_lr": 0.1 * self.learning_rate, "momentum": 0.9},
                {"params": others, "initial_lr": self.learning_rate},
            ],
            lr=self.learning_rate,
        )


def test_an_optimiser_with_groups_of_its_own_keeps_the_contract() -> None:
    check_optimizer(TwoRates(clip_norm=None))


def test_groups_follow_the_schedule_each_from_its_own_peak() -> None:
    settings, bowl = TwoRates(learning_rate=0.02, warmup_steps=4), Bowl()
    _, optimizer = follow(settings, bowl, 2)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.001, 0.01])


def test_the_state_is_under_the_names() -> None:
    bowl = Bowl()
    _, optimizer = follow(AdamW(), bowl, 3)
    found = state_by_name(optimizer, bowl.named)
    assert list(found) == ["first", "second", "unused"]
    assert sorted(found["second"]) == ["exp_avg", "exp_avg_sq", "step"]
    assert found["second"]["exp_avg"].shape == (2,)
    assert found["unused"] == {}


def test_positions_of_version_0_1_become_names() -> None:
    bowl = Bowl()
    del bowl.named["unused"]
    _, optimizer = follow(AdamW(), bowl, 3)
    old = {str(index): slots for index, slots in optimizer.state_dict()["state"].items()}
    assert rename_positions(old, bowl.named).keys() == {"first", "second"}
    again = Bowl()
    del again.named["unused"]
    with torch.no_grad():
        for name, parameter in again.named.items():
            parameter.copy_(bowl.named[name])
    second = AdamW().build(again.named)
    content = {name: {k: v.clone() for k, v in slots.items()} for name, slots in old.items()}
    load_state_by_name(second, rename_positions(content, again.named), again.named)
    follow(AdamW(), bowl, 3, optimizer, 4)
    follow(AdamW(), again, 3, second, 4)
    assert bits(bowl.named) == bits(again.named)


def test_names_stay_names() -> None:
    named = {"1": Parameter(torch.ones(1)), "0": Parameter(torch.ones(1))}
    assert rename_positions({"0": {"step": 3}, "1": {"step": 4}}, named) == {"0": {"step": 3}, "1": {"step": 4}}
    assert rename_positions({}, named) == {}


def test_a_position_beyond_the_parameters() -> None:
    with pytest.raises(ValueError, match="state is of 3 parameters, and 2 are trained"):
        rename_positions({"0": {}, "1": {}, "2": {}}, {"a": Parameter(torch.ones(1)), "b": Parameter(torch.ones(1))})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.pop("first"), "is of 2 parameters, and 3 are trained; first is in one of them only"),
        (lambda content: content.update(third={}), "is of 4 parameters, and 3 are trained; third is in one"),
        (lambda content: content["first"].pop("exp_avg"), "other parts for one parameter than for another"),
        (
            lambda content: content["first"].update(exp_avg=torch.ones(9)),
            r"exp_avg of first in the optimiser's state has shape \(9,\)",
        ),
    ],
)
def test_a_state_of_other_parameters_is_refused(change: Any, message: str) -> None:
    bowl = Bowl()
    _, optimizer = follow(AdamW(), bowl, 3)
    content = state_by_name(optimizer, bowl.named)
    change(content)
    with pytest.raises(ValueError, match=message):
        load_state_by_name(AdamW().build(bowl.named), content, bowl.named)
