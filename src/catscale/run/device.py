"""The device that a run computes on."""

import torch

from catscale.distributed.processes import local_device
from catscale.errors import ConfigError

DEVICES = ("cpu", "cuda", "mps", "xpu")
"""Kinds of devices that compute; PyTorch has others that only seem to."""


def choose_device(name: str) -> torch.device:
    """Return the device that a setting names; "auto" is a GPU where there is one.

    Raises:
        ConfigError: If there is no such device.
    """
    if name == "auto":
        return local_device(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    try:
        device = local_device(torch.device(name))
        if device.type not in DEVICES:
            raise RuntimeError(f"no training on {device.type}")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__  # of several screens of text
        raise ConfigError(f"training.device: {name!r} cannot be used here ({reason}); use auto or cpu") from error
    return device
