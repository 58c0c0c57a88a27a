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


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device has instructions that multiply matrices in bfloat16.

    On a processor without them (AVX-512 BF16, AMX) PyTorch emulates them: 2 against 50 GFLOP/s measured. Where it has
    them they may still be slower than float32: AVX-512 BF16 without AMX has half its speed.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return True
