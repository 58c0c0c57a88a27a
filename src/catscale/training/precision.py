"""Which number format a run computes in."""

import torch

from catscale.training.config import TrainingConfig


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies matrices in bfloat16 faster than in float32.

    On a processor without the instructions (AVX-512 BF16, AMX) PyTorch emulates them: 2 against 50 GFLOP/s measured.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return True


def choose_autocast(config: TrainingConfig, device: torch.device) -> torch.dtype | None:
    """The type of mixed precision that the settings mean on a device; None for float32 throughout."""
    return torch.bfloat16 if config.precision != "fp32" and has_fast_bfloat16(device) else None
