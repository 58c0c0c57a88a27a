"""Refusals in the first step of what would fail, or be silently wrong, in a later one.

Legend: a part is one of the losses of a task (`catscale.balancing.engine.losses`).
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import FunctionType

import torch
from torch import Tensor

from catscale.balancing.engine.losses import Work
from catscale.errors import ConfigError

COMPILED = "CompiledFunctionBackward"


@dataclass(frozen=True)
class Reached:
    """The parameters and nodes that the backward pass of a loss would meet.

    Attributes:
        is_parameter: One of the parameters looked for.
        is_opaque: A function written in Python, which may run a backward pass of its own; none whose class has
            `runs_no_backward` set.
        is_compiled: A function of `torch.compile`.
    """

    is_parameter: bool
    is_opaque: bool
    is_compiled: bool


def look(losses: Sequence[Tensor], places: set[int], until: str) -> Reached:
    """Search the graph of losses.

    Args:
        losses: The losses with their graph.
        places: `id` of each parameter looked for.
        until: "parameter", "opaque" or "compiled", whichever ends the search once it is met.
    """
    seen = {loss.grad_fn for loss in losses}
    opened = list(seen)
    is_parameter = any(id(loss) in places for loss in losses)
    is_opaque = is_compiled = False
    while opened and not {"parameter": is_parameter, "opaque": is_opaque, "compiled": is_compiled}[until]:
        node = opened.pop()
        if node is None:
            continue
        is_parameter |= id(getattr(node, "variable", None)) in places
        if type(node).__name__ == COMPILED:
            is_compiled = True
        else:
            is_opaque |= _is_opaque(node)
        following = [found for found, _ in node.next_functions if found is not None and found not in seen]
        seen.update(following)
        opened += following
    return Reached(is_parameter, is_opaque, is_compiled)


def _is_opaque(node: object) -> bool:
    """Return whether a node is of a function written in Python that does not say that it runs no backward pass."""
    if not isinstance(node, torch.autograd.function.BackwardCFunction):
        return False
    return not getattr(getattr(node, "_forward_cls", None), "runs_no_backward", False)


def check_reach(name: str, loss: Tensor, parameters: Sequence[Tensor]) -> None:
    """Refuse a loss that no shared parameter has part in, whose gradient would be 0 for ever.

    Raises:
        ConfigError: If it certainly reaches none.
    """
    found = look([loss], {id(parameter) for parameter in parameters}, until="parameter")
    if not (found.is_parameter or found.is_opaque):
        raise ConfigError(
            f"the loss of task {name!r} must depend on the shared parameters, found that none of the "
            f"{len(parameters)} given has part in it; give the losses of the model whose parameters the balancer "
            "was built with (a copy, or one that was loaded or wrapped anew, has others)"
        )


def check_graphs(work: Work) -> None:
    """Refuse tensors whose graphs cannot be run one after the other, as a step that measures does.

    Raises:
        ConfigError: If `torch.compile` made them, with buffers that are given away at the first use.
    """
    tensors = [part for parts in work.parts for part in parts if isinstance(part, Tensor)]
    if len(tensors) < 2 or not _gives_buffers_away():
        return
    if look(tensors, set(), until="compiled").is_compiled:
        raise ConfigError(
            "losses as tensors of a model under torch.compile cannot be measured one by one, because its graphs are "
            "used up at once; give functions, {task: lambda: model(batch).loss}, or set "
            "torch._functorch.config.donated_buffer = False before the model is compiled"
        )


def warn_of_same_functions(work: Work) -> None:
    """Warn where two tasks are given functions that nothing tells apart, as a loop's lambdas without a default are.

    `{task: lambda: model(batch) for task, batch in …}` gives all tasks the last batch: each looks it up when it is
    called. Functions are the same that have their code, their defaults and the variables around them in common.
    """
    owners: dict[object, str] = {}
    for name, parts, count in zip(work.names, work.parts, work.counts, strict=True):
        for part in parts[:count]:
            if not isinstance(part, FunctionType):
                continue
            around = tuple(map(id, (part.__code__, *(part.__closure__ or ()), *(part.__defaults__ or ()))))
            key = (around, tuple(map(id, (part.__kwdefaults__ or {}).values())))
            if owners.setdefault(key, name) != name:
                warnings.warn(
                    f"the tasks {owners[key]!r} and {name!r} are given the same function, with the same data; in a "
                    "loop write lambda batch=batch: model(**batch).loss, which keeps each task's own",
                    stacklevel=5,
                )
                return


def _gives_buffers_away() -> bool:
    config = getattr(getattr(torch, "_functorch", None), "config", None)
    return bool(getattr(config, "donated_buffer", False))


def check_dense(parameters: Iterable[Tensor]) -> None:
    """Refuse sparse gradients where a later step would compare them.

    Raises:
        ConfigError: If there is one.
    """
    for parameter in parameters:
        if parameter.grad is not None and parameter.grad.is_sparse:
            raise ConfigError(
                f"a gradient of shape {tuple(parameter.shape)} is sparse, which cannot be compared with other tasks'; "
                "build the embedding with sparse=False, or leave it out of parameters"
            )
