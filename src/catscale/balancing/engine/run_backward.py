"""One backward pass through the graphs of losses, and the error of a graph that was used before."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from catscale.errors import ConfigError


def run_backward(
    name: str, losses: Tensor | Sequence[Tensor], keep_graph: bool = False, inputs: Sequence[Tensor] | None = None
) -> None:
    """Run the backward pass of the losses.

    Args:
        name: The task's name, for the error.
        losses: Weighted and scaled.
        keep_graph: Whether it is used again.
        inputs: Parameters that gradients reach; None for all of them.

    Raises:
        ConfigError: If a graph was used before.
    """
    with naming_used_graphs(name):
        torch.autograd.backward(losses, retain_graph=keep_graph, inputs=inputs)


@contextmanager
def naming_used_graphs(name: str) -> Iterator[None]:
    """Say what to do where a backward pass in the block goes through a graph that was used before.

    Args:
        name: The task's name, for the error.

    Raises:
        ConfigError: If one does.
    """
    try:
        yield
    except RuntimeError as error:
        if "backward through the graph a second time" not in str(error) and "donated buffer" not in str(error):
            raise
        raise ConfigError(
            f"the graph of the loss of {name} was used up by a backward before; compute each step's losses anew, call "
            "no backward of your own, and where tasks share a graph give all of them as tensors, not in functions "
            "that return them"
        ) from error


def weigh(graphs: Sequence[Sequence[Tensor]], factors: Sequence[float]) -> list[Tensor]:
    """Return all losses of K lists, each times its list's factor."""
    return [loss * factor for losses, factor in zip(graphs, factors, strict=True) for loss in losses]
