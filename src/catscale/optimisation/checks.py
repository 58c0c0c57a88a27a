"""Checks of an optimiser's contract, as functions that anyone can call on one of their own.

    from catscale.optimisation.checks import check_optimizer
    check_optimizer(MyOptimizer())

Legend: θ the two parameters of a bowl, see `catscale.optimisation.check_bowl`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from catscale.errors import DivergedError
from catscale.optimisation.check_bowl import Bowl
from catscale.optimisation.contract import OptimizerSettings, parameters_of
from catscale.optimisation.schedule import SCHEDULES
from catscale.optimisation.state import load_state_by_name, state_by_name
from catscale.system.promises import promise
from catscale.system.reading.json_file import parse_json

STEPS = 40


def check_optimizer(settings: OptimizerSettings) -> None:
    """Try every promise of the contract.

    Args:
        settings: The settings of an optimiser, for a training of any length.

    Raises:
        AssertionError: Names the first promise that is broken.
    """
    for check in CHECKS:
        check(settings)


def follow(
    settings: OptimizerSettings, bowl: Bowl, steps: int = STEPS, optimizer: Optimizer | None = None, first: int = 1
) -> tuple[list[float], Optimizer]:
    """Return the losses that the steps saw, and the optimiser that took them."""
    planned = settings.for_training(STEPS)
    optimizer = planned.build(bowl.named) if optimizer is None else optimizer
    return [planned.take(optimizer, bowl, step) for step in range(first, first + steps)], optimizer


def bits(named: Mapping[str, Tensor]) -> dict[str, bytes]:
    """Return the parameters, to be compared bit for bit."""
    return {name: tensor.detach().numpy().tobytes() for name, tensor in named.items()}


def state_bits(optimizer: Optimizer, named: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the optimiser's state, to be compared bit for bit."""
    return {
        name: {key: value.numpy().tobytes() if isinstance(value, Tensor) else value for key, value in slots.items()}
        for name, slots in state_by_name(optimizer, named).items()
    }


def check_settings(settings: OptimizerSettings) -> None:
    """Check that settings are loadable as they are written, and their length is filled in once."""
    promise(settings.name != "" and settings.name == settings.method, "an optimiser's name is its method's")
    planned = settings.for_training(STEPS)
    for found in (settings, planned):
        promise(type(found)(**parse_json(found.model_dump_json())) == found, "settings survive JSON")
    promise(planned.for_training(7) == planned, "a plan that is made is kept")


def check_groups(settings: OptimizerSettings) -> None:
    """Check that every parameter is in one group, and every group has a peak rate of its own."""
    bowl = Bowl()
    optimizer = settings.build(bowl.named)
    found = sorted(map(id, parameters_of(optimizer)))
    promise(found == sorted(map(id, bowl.named.values())), "every parameter is in one group")
    rates = [group.get("initial_lr", 0.0) for group in optimizer.param_groups]
    promise(all(rate > 0 for rate in rates), f"every group has its peak under initial_lr, found {rates}")


def check_rates(settings: OptimizerSettings) -> None:
    """Check that the rates of a step are the groups' own, times the factor of the schedule."""
    for schedule in SCHEDULES:
        planned = settings.model_copy(update={"schedule": schedule, "warmup_steps": 5}).for_training(STEPS)
        factors = [planned.factor(step) for step in range(1, STEPS + 1)]
        promise(all(0 < factor <= 1 for factor in factors), f"factors are in (0, 1], found {factors}")
        promise(factors[4] == 1 == max(factors), "the peak is where the warm-up ends")
        bowl = Bowl()
        optimizer = planned.build(bowl.named)
        for step, factor in zip((1, 5, STEPS), (factors[0], factors[4], factors[-1]), strict=True):
            planned.take(optimizer, bowl, step)
            same = all(group["lr"] == group["initial_lr"] * factor for group in optimizer.param_groups)
            promise(same, f"a group's rate in step {step} is its peak times {factor}")


def check_learning(settings: OptimizerSettings) -> None:
    """Check that a step returns what the first descent saw, leaves no gradient behind, and steps go downhill."""
    bowl = Bowl()
    before = bits(bowl.named)
    _, optimizer = follow(settings, bowl, 0)
    loss = bowl.loss().item()
    planned = settings.for_training(STEPS)
    promise(planned.take(optimizer, bowl, STEPS) == loss, "a step returns what the first descent saw")
    promise(bowl.calls >= 1, "a step descends")
    promise(all(p.grad is None for p in bowl.named.values()), "no gradient is left behind")
    after = bits(bowl.named)
    promise(all(after[name] != before[name] for name in ("first", "second")), "a step moves the parameters")
    promise(after["unused"] == before["unused"], "a parameter without a gradient stays")
    brisk = settings.model_copy(update={"learning_rate": 0.1, "warmup_steps": 0})
    losses, _ = follow(brisk, bowl)
    promise(losses[-1] < losses[0] / 2, f"{STEPS} steps go downhill, found {losses[0]} and then {losses[-1]}")


def check_failures(settings: OptimizerSettings) -> None:
    """Check that a descent that fails, the first or another one, leaves parameters and state as they were."""
    for step in (1, STEPS):
        bowl = Bowl()
        _, optimizer = follow(settings, bowl, 3)
        calls = bowl.calls
        settings.for_training(STEPS).take(optimizer, bowl, step)
        needed = bowl.calls - calls
        for number in range(1, needed + 1):
            promise(_is_untouched(settings, step, bowl, optimizer, number), f"descent {number} fails without a trace")


def _is_untouched(settings: OptimizerSettings, step: int, bowl: Bowl, optimizer: Optimizer, number: int) -> bool:
    before, state = bits(bowl.named), state_bits(optimizer, bowl.named)
    bowl.fails = bowl.calls + number
    try:
        settings.for_training(STEPS).take(optimizer, bowl, step)
    except DivergedError:
        optimizer.zero_grad(set_to_none=True)
        return bits(bowl.named) == before and state_bits(optimizer, bowl.named) == state
    return False


def check_hard_gradients(settings: OptimizerSettings) -> None:
    """Check that zero, tiny and huge gradients leave finite parameters; one that is not finite is refused."""
    planned = settings.for_training(STEPS)
    for scale in (0.0, 1e-15, 1e15, math.inf, math.nan):
        bowl = Bowl(scale=scale)
        optimizer = planned.build(bowl.named)
        try:
            planned.take(optimizer, bowl, STEPS)
        except DivergedError:
            promise(not math.isfinite(scale), f"gradients times {scale:g} are no error")
            promise(bits(bowl.named) == bits(Bowl().named), "nothing has moved where a gradient is not finite")
            continue
        promise(math.isfinite(scale), f"a gradient of {scale} is refused")
        finite = all(bool(p.isfinite().all()) for p in bowl.named.values())
        promise(finite, f"parameters stay finite on gradients times {scale:g}")


def check_state(settings: OptimizerSettings) -> None:
    """Check that all that is remembered is in the state by name: another order of the parameters goes on bit for
    bit."""
    one, two = Bowl(), Bowl()
    _, first = follow(settings, one, STEPS // 2)
    two.named = {name: two.named[name] for name in ("unused", "second", "first")}
    with torch.no_grad():
        for name, parameter in two.named.items():
            parameter.copy_(one.named[name])
    second = settings.for_training(STEPS).build(two.named)
    content = {
        name: {key: value.clone() if isinstance(value, Tensor) else value for key, value in slots.items()}
        for name, slots in state_by_name(first, one.named).items()
    }
    load_state_by_name(second, content, two.named)
    for bowl, optimizer in ((one, first), (two, second)):
        follow(settings, bowl, STEPS // 2, optimizer, STEPS // 2 + 1)
    promise(bits(one.named) == bits(two.named), "a state that is read back goes on as if nothing had happened")


def check_repeatability(settings: OptimizerSettings) -> None:
    """Check that same gradients, same result, wherever PyTorch's global random numbers are; and they are left there."""
    found = []
    with torch.random.fork_rng(devices=[]):
        for _ in range(2):
            torch.rand(3)
            before = torch.get_rng_state()
            bowl = Bowl()
            follow(settings, bowl)
            found.append(bits(bowl.named))
            promise(torch.get_rng_state().equal(before), "the global random numbers are left alone")
    promise(found[0] == found[1], "same gradients give the same result")


CHECKS: tuple[Callable[[OptimizerSettings], None], ...] = (
    check_settings,
    check_groups,
    check_rates,
    check_learning,
    check_failures,
    check_hard_gradients,
    check_state,
    check_repeatability,
)
