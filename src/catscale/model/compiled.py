"""The layers of a model, compiled for training: one piece of code for each kind of layer, whatever their number.

The layer keeps its class, its tensors and their names, so that what is saved, read, copied and exported is as without.
In evaluation mode it computes as it did: what `Module.compile` puts in the place of a layer's call would be compiled
anew for each length of a search, and for passes that are differentiated twice.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import Module

from catscale.model.contract import TranslationModel

BACKEND = "inductor"
"""The compiler, by PyTorch's name."""


class TrainingForward:
    """The `forward` of one layer: compiled while the layer is trained, its class's own otherwise.

    Args:
        layer: The layer.
        compiled: The compiled function of its class.
    """

    def __init__(self, layer: Module, compiled: Callable[..., Any]) -> None:
        self._layer, self._compiled = layer, compiled

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Compute the layer's output."""
        compute = self._compiled if self._layer.training else type(self._layer).forward
        return compute(self._layer, *inputs, **options)


def compile_layers(model: TranslationModel) -> None:
    """Have the layers of a model compiled, in place; nothing is compiled before they are first used."""
    layers = model.layers()
    # Sentences, lengths and their numbers differ from batch to batch: sizes are symbols in the code.
    made = {
        kind: torch.compile(kind.forward, backend=BACKEND, dynamic=True) for kind in {type(layer) for layer in layers}
    }
    for layer in layers:
        vars(layer)["forward"] = TrainingForward(layer, made[type(layer)])


def leave_uncompiled(model: TranslationModel) -> None:
    """Have the layers of a model compute as their classes do, whatever was compiled before."""
    for layer in model.layers():
        vars(layer).pop("forward", None)


def is_compiled(model: TranslationModel) -> bool:
    """Return whether layers of a model are compiled."""
    return any(isinstance(vars(layer).get("forward"), TrainingForward) for layer in model.layers())
