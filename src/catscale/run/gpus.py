"""The GPUs of the machine that runs are spread over, each seeing one of them."""

import os

import torch

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Variable that says which GPUs a process sees; PyTorch for AMD's reads it too."""


def list_gpus(device: str) -> list[str]:
    """Return the GPUs of this machine as `VISIBLE` names them; none where a run says itself where it computes.

    Args:
        device: The setting `training.device`; only "auto" and "cuda" leave open which GPU it is.
    """
    if device not in ("auto", "cuda"):
        return []
    count = torch.cuda.device_count()
    names = os.environ.get(VISIBLE, "")
    return [name.strip() for name in names.split(",")][:count] if names.strip() else list(map(str, range(count)))
