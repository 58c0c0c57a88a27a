"""Adapters merged into the weights that they stand beside, on the tensors of a model alone.

A layer with an adapter keeps W under `base_layer.weight`, A and B under `lora_A` and `lora_B`, and, with DoRA, the
norms m under `lora_magnitude_vector`; a split table keeps its parts under `old` and `new`. Merged, they are one tensor
each, under the names that a plain model has:

    LoRA   W' = W + s B A                                   s = alpha / rank
    DoRA   W' = diag(m / ‖W + s B A‖) (W + s B A)           the norm is each row's

Sources: Hu et al., LoRA, 2021, section 4.1; Liu et al., DoRA, 2024, equation 5.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

BASE = ".base_layer."
PARTS = (".lora_A.", ".lora_B.", ".lora_magnitude_vector.")
OLD, NEW = ".old", ".new"
NAME = "default"
"""PEFT's name of the only adapter of a layer."""


def merge_state(state: Mapping[str, Tensor], scaling: float) -> dict[str, Tensor]:
    """Return the tensors of the plain model that computes what a model with adapters does.

    Args:
        state: The tensors of the model with adapters, tied ones under each of their names.
        scaling: s = alpha / rank.

    Returns:
        Name → tensor; tables that were one are one again. Nothing in `state` is changed.
    """
    merged: dict[str, Tensor] = {}
    tables: dict[int, Tensor] = {}
    for name, tensor in state.items():
        if any(part in name for part in PARTS) or name.endswith(NEW):
            continue
        if name.endswith(OLD):
            plain, address = name.removesuffix(OLD), tensor.data_ptr()
            if address not in tables:
                tables[address] = torch.cat([tensor, state[plain + NEW]])
            merged[f"{plain}.weight"] = tables[address]
        elif name.endswith(f"{BASE}weight"):
            merged[name.replace(BASE, ".")] = _merge(tensor, name.removesuffix(f"{BASE}weight"), state, scaling)
        else:
            merged[name.replace(BASE, ".")] = tensor
    return merged


def _merge(weight: Tensor, layer: str, state: Mapping[str, Tensor], scaling: float) -> Tensor:
    """Return the (outputs, inputs) weight of one layer, in the precision that it has."""
    a, b = (state[f"{layer}.lora_{which}.{NAME}.weight"].float() for which in "AB")
    moved = weight.float() + scaling * (b @ a)
    norms = state.get(f"{layer}.lora_magnitude_vector.{NAME}.weight")
    if norms is not None:
        moved = (norms.float() / moved.norm(dim=1))[:, None] * moved
    return moved.to(weight.dtype)


def adapter_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of the adapters alone, under the names that a file of PEFT has.

    Args:
        state: The tensors of the model with adapters.
    """
    found = {}
    for name, tensor in state.items():
        if any(part in name for part in PARTS):
            short = name.replace(f".lora_magnitude_vector.{NAME}.weight", ".lora_magnitude_vector")
            found[f"base_model.model.{short.replace(f'.{NAME}.', '.')}"] = tensor
    return found
