"""The type that a model computes its matrix products in."""

import torch


def compute_in(dtype: torch.dtype | None, device: torch.device) -> torch.autocast:
    """Return a context of mixed precision.

    Args:
        dtype: The type of matrix products; None for that of the parameters, which changes nothing.
        device: The model's.
    """
    return torch.autocast(device.type, dtype, enabled=dtype is not None)


def keep_casts(device: torch.device) -> torch.autocast:
    """Return a context, itself without mixed precision, in which `compute_in` casts each parameter once.

    Outside of it, each `compute_in` drops its casts when it ends. Parameters must stay as they are inside, and each
    pass must be followed by its own backward pass: gradients that several passes leave in one cast are added up in its
    type.

    Args:
        device: The model's.
    """
    return torch.autocast(device.type, enabled=False)
