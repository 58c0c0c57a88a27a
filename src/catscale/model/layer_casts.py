"""Mixed precision that casts the matrices of a layer all at once, and their gradients back all at once.

Autocast casts each parameter by itself, and each of its gradients by itself after every pass: a fifth to a quarter of
what a step in bfloat16 launches on a GPU, in operations of microseconds. One operation over a list of tensors does as
much. The numbers are the same to the bit.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import Linear, Module

from catscale.model.contract import TranslationModel

FIRST = 2**64 - 1
"""The number of the nodes of a graph that autograd takes before all others that are ready, as it does where gradients
are added to those that are there."""


def may_cast_layers(model: TranslationModel) -> bool:
    """Return whether a model's own class says that its layers may be handed casts, see `TranslationModel`."""
    return bool(vars(type(model)).get("casts_layers", False))


class LayerCasts:
    """Calls a module, where `kept`, with casts of the parameters of its layers' linear modules.

    Args:
        module: The one that is called; the layers are in it.
        layers: Modules whose trainable float32 parameters in `torch.nn.Linear`, and in no class derived from it, are
            cast. None of them may be used elsewhere.
    """

    def __init__(self, module: Module, layers: Sequence[Module]) -> None:
        self.module = module
        names = {id(each): name for name, each in module.named_modules()}
        self._linear = [
            [(names[id(each)], each) for each in layer.modules() if type(each) is Linear] for layer in layers
        ]
        self._dtype: torch.dtype | None = None
        self._casts: dict[str, Tensor] | None = None

    def __call__(self, *inputs: Any) -> Any:
        """Return what the module does."""
        if self._dtype is None or not torch.is_grad_enabled():
            return self.module(*inputs)
        if self._casts is None:
            self._casts = self._cast(self._dtype)
        return functional_call(self.module, self._casts, inputs, tie_weights=False)

    @contextmanager
    def kept(self, dtype: torch.dtype | None) -> Iterator[None]:
        """Return a context in which parameters are cast when first needed, and the casts kept to its end.

        Parameters must stay as they are inside. Each call should be followed by its own backward pass: gradients that
        several calls leave in one cast are added up in its type, as by autocast.

        Args:
            dtype: The type of the casts; None for none.
        """
        self._dtype = dtype
        try:
            yield
        finally:
            self._dtype = self._casts = None

    def _cast(self, dtype: torch.dtype) -> dict[str, Tensor]:
        """Return a cast of each parameter, by its name in the module."""
        found: dict[str, Tensor] = {}
        for linear in self._linear:
            own = {
                f"{name}.{kind}": parameter
                for name, each in linear
                for kind, parameter in each._parameters.items()
                if parameter is not None and parameter.requires_grad and parameter.dtype == torch.float32
            }
            if own:
                casts = _cast_together(dtype, *own.values())
                node: Any = casts[0].grad_fn
                node._set_sequence_nr(FIRST)  # older than the pass, it would wait until all layers have theirs
                found |= dict(zip(own, casts, strict=True))
        return found


class _CastTogether(torch.autograd.Function):
    """Casts float32 tensors in one operation, and their gradients back in one.

    It keeps nothing, so that several backward passes may go through it.
    """

    runs_no_backward = True

    @staticmethod
    def forward(ctx: Any, dtype: torch.dtype, *parameters: Tensor) -> tuple[Tensor, ...]:
        """Return the parameters in another type."""
        ctx.set_materialize_grads(False)
        return _copy(parameters, dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients in float32; None where there is none."""
        given = iter(_copy([each for each in gradients if each is not None], torch.float32))
        return None, *(None if each is None else next(given) for each in gradients)


_cast_together: Callable[..., tuple[Tensor, ...]] = _CastTogether.apply


def _copy(tensors: Sequence[Tensor], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Return copies in another type, in the same order of their numbers, which one operation on a GPU needs."""
    copies = [torch.empty_like(each, dtype=dtype) for each in tensors]
    if copies:
        torch._foreach_copy_(copies, list(tensors))
    return tuple(copies)
