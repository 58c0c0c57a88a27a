"""An optimiser's state by the names of its parameters: their order, and their groups, may change between versions.

Version 0.1 wrote it by the position of the parameter among all that are trained; that is still read.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from catscale.optimisation.contract import parameters_of

Slots = dict[str, Any]
"""The state that an optimiser keeps of one parameter: tensors of its shape, and counts."""


def state_by_name(optimizer: Optimizer, named: Mapping[str, Parameter]) -> dict[str, Slots]:
    """Return the state of each parameter, sharing its memory; none of one that has had no gradient yet.

    Args:
        optimizer: Over these parameters.
        named: By name.
    """
    return {name: dict(optimizer.state.get(parameter, {})) for name, parameter in named.items()}


def load_state_by_name(
    optimizer: Optimizer, content: Mapping[str, Mapping[str, Any]], named: Mapping[str, Parameter]
) -> None:
    """Restore what `state_by_name` returned; rates and the like stay those of the settings.

    Raises:
        ValueError: If it is not the state of these parameters, see `check_state`.
    """
    check_state(optimizer, content, named)
    places = {id(parameter): place for place, parameter in enumerate(parameters_of(optimizer))}
    slots = {places[id(named[name])]: dict(slots) for name, slots in content.items() if slots}
    optimizer.load_state_dict({"state": slots, "param_groups": optimizer.state_dict()["param_groups"]})


def rename_positions(content: Mapping[str, Slots], named: Mapping[str, Parameter]) -> dict[str, Slots]:
    """Return a state under names; that of version 0.1 is under numbers, which are positions among the names.

    Raises:
        ValueError: If a number is beyond the parameters.

    Example:
        >>> rename_positions({"1": {"step": 3}, "0": {"step": 3}}, dict.fromkeys(["head.bias", "head.weight"]))
        {'head.weight': {'step': 3}, 'head.bias': {'step': 3}}
    """
    if not content or not all(key.isdecimal() for key in content) or content.keys() <= named.keys():
        return dict(content)
    names = list(named)
    if max(map(int, content)) >= len(names):
        raise ValueError(f"the optimiser's state is of {len(content)} parameters, and {len(names)} are trained")
    return {names[int(key)]: slots for key, slots in content.items()}


def check_state(optimizer: Optimizer, content: Mapping[str, Mapping[str, Any]], named: Mapping[str, Parameter]) -> None:
    """Check that a state is that of the parameters: of none of them, before the first step, or of all.

    Args:
        optimizer: The parameters of one group have the same parts of state.
        content: Name of a parameter → name → tensor of its shape, or a number.
        named: The trained parameters, by name.

    Raises:
        ValueError: If it is not.
    """
    if content and content.keys() != named.keys():
        raise ValueError(
            f"the optimiser's state is of {len(content)} parameters, and {len(named)} are trained; "
            f"{min(content.keys() ^ named.keys())} is in one of them only"
        )
    names = {id(parameter): name for name, parameter in named.items()}
    for group in optimizer.param_groups:
        found = [content.get(names[id(parameter)], {}) for parameter in group["params"]]
        if len({tuple(sorted(slots)) for slots in found if slots}) > 1:
            raise ValueError("the optimiser's state has other parts for one parameter than for another")
    for name, slots in content.items():
        for key, value in slots.items():
            if isinstance(value, Tensor) and value.shape not in (named[name].shape, torch.Size([])):
                raise ValueError(f"{key} of {name} in the optimiser's state has shape {tuple(value.shape)}")
