"""The type that a model computes its matrix products in."""

import torch


def compute_in(dtype: torch.dtype | None, device: torch.device) -> torch.autocast:
    """Return a context of mixed precision.

    Args:
        dtype: The type of matrix products; None for that of the parameters, which changes nothing.
        device: The model's.
    """
    return torch.autocast(device.type, dtype, enabled=dtype is not None)
