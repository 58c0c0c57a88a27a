"""Requests that no step can answer, refused before it computes anything."""

from torch import Tensor

from catscale.balancing.contract import Request
from catscale.errors import ConfigError


def check_memory(method: str, request: Request, low_memory: bool) -> None:
    """Refuse to measure without holding gradients what cannot be.

    Args:
        method: Name of the method that asks.
        request: The request to check.
        low_memory: Whether no gradient is to be held.

    Raises:
        ConfigError: If it cannot be.
    """
    if low_memory and request.kind != "nothing" and (request.kind != "products" or request.halves):
        raise ConfigError(
            f"low_memory cannot be used: {method} needs the gradients of all tasks at once, found a "
            f"request for {request.kind}{' of halves' if request.halves else ''}; choose statistics: products "
            "where the method has it, without unbiased, or leave low_memory out"
        )


def check_request(method: str, request: Request, known: Tensor | None) -> None:
    """Refuse products of what they are not measured over, or before there are weights to combine.

    Args:
        method: Name of the method that asks.
        request: The request to check.
        known: (K,) weights, where they are known before the step.

    Raises:
        ConfigError: If it is such a request.
    """
    if request.kind == "products" and known is None:
        raise ConfigError(f"{method} asks for products, which need weights known before the step")
    if (request.group is not None and request.kind == "products") or (request.per_group and request.kind != "gramian"):
        raise ConfigError(
            f"{method} asks for {request.kind} of {request.group or 'each group'}; products are measured "
            "over all shared parameters, and only Gram matrices, one group at a time"
        )
