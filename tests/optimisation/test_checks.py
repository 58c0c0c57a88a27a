"""Optimisers that break a promise are found out, and told which."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from catscale.optimisation.adamw import AdamSettings
from catscale.optimisation.checks import check_optimizer
from catscale.optimisation.contract import Descent, Seen, parameters_of
from catscale.optimisation.gradient import clip_gradient


class Broken(AdamSettings):
    method: str = "broken"


class Nameless(AdamSettings):
    method: str = ""


class Forgetful(Broken):
    def build(self, named: Mapping[str, Parameter]) -> Optimizer:
        return super().build({name: parameter for name, parameter in named.items() if name != "first"})


class Rateless(Broken):
    def build(self, named: Mapping[str, Parameter]) -> Optimizer:
        optimizer = super().build(named)
        del optimizer.param_groups[0]["initial_lr"]
        return optimizer


class Unscheduled(Broken):
    def update(self, optimizer: Optimizer, step: int, norm: Tensor | None = None) -> None:
        clip_gradient(parameters_of(optimizer), self.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


class Blind(Broken):
    def take(self, optimizer: Optimizer, descent: Descent[Seen], step: int) -> Seen:
        descent()
        self.update(optimizer, step)
        again = descent()
        optimizer.zero_grad(set_to_none=True)
        return again


class Untidy(Broken):
    def update(self, optimizer: Optimizer, step: int, norm: Tensor | None = None) -> None:
        parameters = parameters_of(optimizer)
        kept = [parameter.grad for parameter in parameters]
        super().update(optimizer, step, norm)
        for parameter, gradient in zip(parameters, kept, strict=True):
            parameter.grad = gradient


class Uphill(Broken):
    def update(self, optimizer: Optimizer, step: int, norm: Tensor | None = None) -> None:
        for parameter in parameters_of(optimizer):
            if parameter.grad is not None:
                parameter.grad.neg_()
        super().update(optimizer, step, norm)


class Careless(Broken):
    """Climbs without a way back."""

    def take(self, optimizer: Optimizer, descent: Descent[Seen], step: int) -> Seen:
        seen = descent()
        with torch.no_grad():
            for parameter in parameters_of(optimizer):
                if parameter.grad is not None:
                    parameter.add_(parameter.grad, alpha=1e-6)
        optimizer.zero_grad(set_to_none=True)
        descent.repeat()
        self.update(optimizer, step)
        return seen


class Trusting(Broken):
    def update(self, optimizer: Optimizer, step: int, norm: Tensor | None = None) -> None:
        optimizer.param_groups[0]["lr"] = self.rate(step)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


class Restless(Broken):
    def update(self, optimizer: Optimizer, step: int, norm: Tensor | None = None) -> None:
        for parameter in parameters_of(optimizer):
            if parameter.grad is not None:
                parameter.grad += 0.01 * torch.randn_like(parameter)
        super().update(optimizer, step, norm)


@pytest.mark.parametrize(
    ("kind", "promise"),
    [
        (Nameless, "an optimiser's name is its method's"),
        (Forgetful, "every parameter is in one group"),
        (Rateless, "every group has its peak under initial_lr"),
        (Unscheduled, "a group's rate in step 1 is its peak times"),
        (Blind, "a step returns what the first descent saw"),
        (Untidy, "no gradient is left behind"),
        (Uphill, "steps go downhill"),
        (Careless, "descent 2 fails without a trace"),
        (Trusting, "a gradient of inf is refused"),
        (Restless, "the global random numbers are left alone|goes on as if nothing had happened"),
    ],
)
def test_a_broken_promise_is_named(kind: Any, promise: str) -> None:
    with pytest.raises(AssertionError, match=f"broken promise: .*({promise})"):
        check_optimizer(kind())
