"""The state of a method, read back from what `state_dict` returned."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from catscale.balancing.contract import Method, State
from catscale.balancing.engine.optional_members import is_valid_state
from catscale.errors import CheckpointError
from catscale.system.reading.saved_state import restore_state


def read_state(content: Mapping[str, Any], method: Method[Any], tasks: Sequence[str], current: State) -> State:
    """Return the saved state.

    Args:
        content: The dictionary that `TaskBalancer.state_dict` returned.
        method: The balancer's method, bound to its tasks.
        tasks: The balancer's.
        current: A state of the same shape.

    Raises:
        CheckpointError: If it does not fit, or holds what no such state does.
    """
    first: State = method.init(len(tasks))
    state = restore_state(content, method.name, tasks, "balancer", current, first)
    weights = method.weights(state, torch.arange(len(tasks)))
    are_weights = weights is None or bool(weights.isfinite().all() and (weights >= 0).all())
    if not is_valid_state(method, state) or not are_weights:
        raise CheckpointError(
            f"the saved state of {method.name!r} must hold and give weights of 0 or more, found others; load "
            "another checkpoint"
        )
    return state
