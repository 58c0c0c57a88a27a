"""The uses of parameters in the graph of losses, with a hook on each that keeps what its backward pass brings, or with
the place where it is asked for.

PyTorch's graph says what each of its nodes took in (`_saved_…`), where that came from, and whether a parameter was
among it. A parameter's gradient is the sum over the nodes that took it, so that nothing is left out where each of them
is of a kind that is known here. What is not known is said: a masked weight, a convolution, a compiled layer, one that
is computed again in the backward pass.

Legend: R rows, A (R, I) what a layer takes in (`catscale.balancing.engine.parameter_uses`).
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor
from torch.autograd.graph import GradientEdge

from catscale.balancing.engine.parameter_uses import EmbeddingUse, LinearUse, NormUse, ParameterUse, ToldUse

Node = Any
"""A node of PyTorch's graph."""
Taken = Mapping[int, tuple[int, bool]]
"""The parameters that a node took, by the number of its argument: each one's `id`, and whether it was transposed."""
VIEWS = ("ViewBackward0", "UnsafeViewBackward0", "ReshapeAliasBackward0")


class UnknownUseError(Exception):
    """A parameter is used in a way that is not known."""


def find_uses(losses: Sequence[Tensor], parameters: Sequence[Tensor], by_hooks: bool = True) -> list[ParameterUse]:
    """Return the uses of parameters in the graph of losses, ready to keep what comes back.

    Args:
        losses: The losses with their graph, which is looked at once, before its backward pass.
        parameters: The compared ones.
        by_hooks: Whether a backward pass of the losses is followed, to all leaves of the graph. Otherwise the uses know
            where to ask for what comes back, and no gradient of a leaf is formed: there must be no leaf that is not
            compared, and no hook on one that is.

    Raises:
        UnknownUseError: If one is used in another way; hooks that do nothing may be left in the graph.
    """
    places = {id(parameter) for parameter in parameters}
    found: list[ParameterUse] = []
    seen = {loss.grad_fn for loss in losses}
    opened = list(seen)
    if any(id(loss) in places for loss in losses):
        raise UnknownUseError("a parameter is a loss")
    if any(parameter.is_complex() for parameter in parameters):
        raise UnknownUseError("a parameter is complex")
    if not by_hooks and any(_has_hooks(parameter) for parameter in parameters):
        raise UnknownUseError("a parameter has hooks")
    while opened:
        node = opened.pop()
        if node is None:
            continue
        following = [each for each, _ in node.next_functions]
        new = [each for each in following if each is not None and each not in seen]
        seen.update(new)
        opened += new
        if _parameter_of(node, places) is not None:
            continue
        if not by_hooks and hasattr(node, "variable"):
            raise UnknownUseError("a leaf is not compared")
        taken = {number: each for number, child in enumerate(following) if (each := _parameter_of(child, places))}
        if taken:
            use = _read(node, taken)
            if by_hooks:
                node.register_prehook(use.take)
            else:
                use.place = GradientEdge(node, 0)
                if isinstance(use, ToldUse):
                    use.context.is_factored = True  # its backward pass leaves the parameters out
            found.append(use)
    return found


def _has_hooks(parameter: Tensor) -> bool:
    """Return whether something is to be told of a parameter's gradient."""
    found: Any = parameter
    return bool(found._backward_hooks or found._post_accumulate_grad_hooks)


def _parameter_of(node: Node, places: set[int]) -> tuple[int, bool] | None:
    """Return the parameter that a node hands on as it is, transposed or in another type; None for another node."""
    is_turned = False
    while node is not None and (name := node.name()) in ("TBackward0", "PermuteBackward0", "ToCopyBackward0"):
        if name == "PermuteBackward0" and node._saved_dims != (1, 0):
            return None
        is_turned ^= name != "ToCopyBackward0"
        node = node.next_functions[0][0]
    place = id(getattr(node, "variable", None))
    return (place, is_turned) if place in places else None


def _read(node: Node, taken: Taken) -> ParameterUse:
    """Return the use that a node makes of the parameters it took.

    Raises:
        UnknownUseError: If it is none of those known.
    """
    told = getattr(getattr(node, "_forward_cls", None), "factor_rows", None)
    reader = _READERS.get(node.name()) if told is None else _read_told
    use = None if reader is None else reader(node, taken)
    if use is None:
        raise UnknownUseError(f"a parameter is used by {node.name()}")
    return use


def _read_addmm(node: Node, taken: Taken) -> ParameterUse | None:
    is_plain = node._saved_alpha == node._saved_beta == 1 and not taken.get(0, (0, False))[1]
    return _read_product(node, taken, 1, node._raw_saved_mat1) if is_plain and 1 not in taken else None


def _read_mm(node: Node, taken: Taken) -> ParameterUse | None:
    return _read_product(node, taken, 0, node._raw_saved_self) if 0 not in taken else None


def _read_product(node: Node, taken: Taken, left: int, saved: Any) -> ParameterUse | None:
    """Return a product of rows, the argument `left`, with a matrix, the next one; argument 0 may be a bias."""
    if left + 1 not in taken:
        return None  # a bias that is trained beside a weight that is not
    given = _keep(saved)
    shape = _shape_of(node.next_functions[left][0], len(given))
    weight, is_turned = taken[left + 1]
    bias, _ = taken.get(0, (0, False))
    if shape is None:
        return None
    return LinearUse(shape=shape, given=given, weight=weight, bias=bias, is_turned=is_turned)


def _read_embedding(node: Node, taken: Taken) -> ParameterUse | None:
    tokens, padding = node._saved_indices, node._saved_padding_idx
    if node._saved_sparse or node._saved_scale_grad_by_freq or taken[0][1]:
        return None
    return EmbeddingUse(
        shape=tuple(tokens.shape), tokens=tokens, table=taken[0][0], padding=-1 if padding > 2**62 else padding
    )


def _read_norm(node: Node, taken: Taken) -> ParameterUse | None:
    if len(node._saved_normalized_shape) != 1 or 0 in taken:
        return None
    given = _keep(node._raw_saved_input)
    mean, rstd = node._saved_result1.detach(), node._saved_result2.detach()
    (weight, _), (bias, _) = taken.get(1, (0, False)), taken.get(2, (0, False))
    shape = tuple(given.shape[:-1])
    return NormUse(shape=shape, given=given, mean=mean, rstd=rstd, weight=weight, bias=bias)


def _read_told(node: Node, taken: Taken) -> ParameterUse | None:
    """Return the use that a function written in Python makes of tensors beside its first one, whose rows it counts."""
    if 0 in taken or any(is_turned for _, is_turned in taken.values()):
        return None
    saved, told = tuple(tensor.detach() for tensor in node.saved_tensors), node._forward_cls.factor_rows
    places = [taken.get(number, (0, False))[0] for number in range(len(node.next_functions))]
    return ToldUse(shape=(node.rows,), saved=saved, context=node, parameters=places, told=told)


_READERS: Mapping[str, Callable[[Node, Taken], ParameterUse | None]] = {
    "AddmmBackward0": _read_addmm,
    "MmBackward0": _read_mm,
    "EmbeddingBackward0": _read_embedding,
    "NativeLayerNormBackward0": _read_norm,
}


def _keep(saved: Any) -> Tensor:
    """Return what a node saved.

    Raises:
        UnknownUseError: If it is not what the forward pass computed but will be computed or read again, by hooks.
    """
    kept: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor.detach())
        return tensor

    try:
        saved.register_hooks(pack, lambda tensor: tensor)
    except RuntimeError as error:
        raise UnknownUseError("what layers take in is not kept") from error
    return kept[0]


def _shape_of(source: Node, rows: int) -> tuple[int, ...] | None:
    """Return the shape that R rows had before they were flattened; None where it is not known.

    Args:
        source: The node that made them.
        rows: R.
    """
    if source is None:
        return None
    if source.name() not in VIEWS:
        return (rows,)
    sizes = tuple(source._saved_self_sym_sizes)
    return next((sizes[:end] for end in range(len(sizes) - 1, 0, -1) if prod(sizes[:end]) == rows), None)
