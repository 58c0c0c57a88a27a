"""Checks of the saved states of balancers and samplers: mappings of a method, its tasks and the state's fields."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import torch
from torch import Tensor

from catscale.errors import CheckpointError

S = TypeVar("S")


def list_fields(state: Any) -> dict[str, Any]:
    """Return the values of a state's fields by name.

    Args:
        state: A dataclass.
    """
    return {field.name: getattr(state, field.name) for field in fields(state)}


def save_state(name: str, tasks: Sequence[str], state: Any) -> dict[str, Any]:
    """Return what `state_dict` gives: tensors, numbers and texts only.

    Tensors are copies: safetensors refuses those that share memory.

    Args:
        name: The name of the method.
        tasks: The tasks that the state is of.
        state: A dataclass of tensors and numbers.
    """
    values = list_fields(state)
    saved = {name: value.clone() if isinstance(value, Tensor) else value for name, value in values.items()}
    return {"method": name, "tasks": list(tasks), "state": saved}


def restore_state(content: Any, name: str, tasks: Sequence[str], what: str, current: S, first: S) -> S:
    """Return the state that `save_state` put into what is given.

    Args:
        content: As it was saved.
        name: The name of the method.
        tasks: The tasks that the state is of.
        what: The owner: "balancer" or "sampler".
        current: A state of the same shape.
        first: The state before the first step: where it holds NaN, a saved one may.

    Raises:
        CheckpointError: If it does not fit, or holds what no such state does.
    """
    present, saved = list_fields(current), check_content(content, name, tasks, what)
    wrong = sorted(str(n) for n in present.keys() | saved.keys() if not same_kind(present.get(n), saved.get(n)))
    if wrong:
        raise CheckpointError(
            f"the saved {what} is {name!r} with another state, found {', '.join(wrong)} missing, unknown or of another "
            "shape; build it with the settings and tasks that it was saved with"
        )
    check_numbers(saved, list_fields(first), name)
    return type(current)(**{name: copied(value) for name, value in saved.items()})


def check_content(content: Any, name: str, tasks: Sequence[str], what: str) -> Mapping[str, Any]:
    """Return the part "state" of what was saved.

    Raises:
        CheckpointError: If it is none of the kind, or of another method or other tasks.
    """
    if not isinstance(content, Mapping) or not content.keys() >= {"method", "tasks", "state"}:
        found = (
            f"the keys {sorted(map(str, content))}" if isinstance(content, Mapping) else f"a {type(content).__name__}"
        )
        raise CheckpointError(
            f"the saved {what} must be what state_dict() returned, with the keys method, tasks and state, found "
            f"{found}; give the part of the checkpoint that holds it"
        )
    saved, names = content["state"], content["tasks"]
    if not isinstance(saved, Mapping) or not isinstance(names, Sequence):
        raise CheckpointError(
            f"the saved {what} must hold a mapping as state and a list as tasks, found a {type(saved).__name__} and a "
            f"{type(names).__name__}; load another checkpoint"
        )
    if content["method"] != name or list(names) != list(tasks):
        raise CheckpointError(
            f"the saved {what} is {content['method']!r} over {names}, this one is {name!r} over {list(tasks)}; build "
            "it with the same settings and tasks"
        )
    return saved


def check_numbers(saved: Mapping[str, Any], first: Mapping[str, Any], name: str) -> None:
    """Refuse numbers that are not finite where the first state's are, and negative counts.

    Raises:
        CheckpointError: Naming the field.
    """
    for field, value in saved.items():
        if isinstance(value, Tensor):
            may_be_nan = bool(first[field].isnan().any())
            is_fine = bool((value.isfinite() | (value.isnan() & may_be_nan)).all())
        else:
            is_fine = not isinstance(value, int) or value >= 0
        if not is_fine:
            raise CheckpointError(
                f"the saved state of {name!r} must hold finite numbers, and counts of 0 or more, found {field} = "
                f"{value.tolist() if isinstance(value, Tensor) else value}; load another checkpoint"
            )


def same_kind(current: object, saved: object) -> bool:
    """Return whether a saved value can stand in the place of the current one."""
    if isinstance(current, Tensor) and isinstance(saved, Tensor):
        return current.shape == saved.shape and current.dtype == saved.dtype and saved.layout == torch.strided
    return type(current) is type(saved)


def copied(value: Any) -> Any:
    """Return a value that shares no memory with what was saved, on the CPU."""
    return value.detach().cpu().clone() if isinstance(value, Tensor) else value
