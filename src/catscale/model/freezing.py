"""The parts of a model of M2M-100's class that can be held as they are."""

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from torch.nn import LayerNorm, Module

from catscale.model.contract import TranslationModel

Part = Literal["embeddings", "encoder", "decoder", "attention", "feed_forward", "layer_norm"]
PARTS: tuple[Part, ...] = get_args(Part)
WHOLE: tuple[Part, ...] = ("embeddings", "encoder", "decoder")
"""Parts that together are the whole model."""
MEMBERS: dict[Part, Callable[[str, Module], bool]] = {
    "embeddings": lambda name, module: name.endswith("model.shared"),
    "encoder": lambda name, module: ".encoder.layers." in name or name.endswith("encoder.layer_norm"),
    "decoder": lambda name, module: ".decoder.layers." in name or name.endswith("decoder.layer_norm"),
    "attention": lambda name, module: name.endswith(("self_attn", "encoder_attn")),
    "feed_forward": lambda name, module: name.endswith((".fc1", ".fc2")),
    "layer_norm": lambda name, module: isinstance(module, LayerNorm),
}
"""Part → whether a module of a name belongs to it; `embeddings` are the one table of both sides and of the output."""


def freeze_parts(model: TranslationModel, parts: Sequence[Part]) -> TranslationModel:
    """Hold the parameters of some parts fixed, and return the model.

    Args:
        model: A model of M2M-100's class.
        parts: Names of parts.
    """
    for name, module in model.named_modules():
        if any(MEMBERS[part](name, module) for part in parts):
            module.requires_grad_(False)
    return model
