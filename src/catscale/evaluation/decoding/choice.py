"""Settle what settings of decoding leave open: the backend, the numbers it computes in, and the size of a batch."""

from collections.abc import Sequence
from importlib.util import find_spec

from catscale.errors import ConfigError
from catscale.evaluation.config import CPU_BATCH, GPU_BATCH, INTEGERS, EvaluationConfig
from catscale.model.saved_config import DECODERS

HALVES = ("bfloat16", "float16")
"""Formats that `auto` takes on a GPU: the first has the range of float32, in which the model was trained."""


def settle_search(
    settings: EvaluationConfig, device: str = "cpu", decoders: Sequence[str] = DECODERS, has_tokenizer: bool = True
) -> EvaluationConfig:
    """Return settings that leave nothing open; those that do not are returned as they are.

    Args:
        settings: Backend, precision and size of a batch.
        device: The device as PyTorch names it.
        decoders: Backends that can run the model; those of a plain one, if they are not given.
        has_tokenizer: Whether the vocabulary has a Hugging Face tokenizer, which the conversion for CTranslate2 reads.

    Raises:
        ConfigError: If the settings need CTranslate2 (by name or by precision) and it cannot be used, or the device
            does not compute in the precision.
    """
    backend = choose_backend(settings, device, decoders if has_tokenizer else _without_conversion(settings, decoders))
    return settings.model_copy(
        update={
            "backend": backend,
            "precision": _choose_precision(settings.precision, backend, device),
            "batch_tokens": settings.batch_tokens or (GPU_BATCH if _is_gpu(device) else CPU_BATCH),
        }
    )


def choose_backend(settings: EvaluationConfig, device: str = "cpu", decoders: Sequence[str] = DECODERS) -> str:
    """Name the backend: CTranslate2 where it is installed and can use device and model, else Hugging Face.

    Args:
        settings: Backend and precision.
        device: The device as PyTorch names it.
        decoders: Backends that can run the model; those of a plain one, if they are not given.

    Raises:
        ConfigError: If the settings need CTranslate2 (by name or by precision) and it cannot be used.
    """
    is_needed = settings.backend == "ctranslate2" or settings.precision in INTEGERS
    if is_needed and "ctranslate2" not in decoders:
        raise ConfigError(
            f"the model's architecture is decoded by {', '.join(decoders)} without integers, found backend "
            f"{settings.backend} with precision {settings.precision}; change evaluation.backend and "
            "evaluation.precision"
        )
    usable = "ctranslate2" in decoders and _ctranslate2_usable(device)
    if is_needed and not usable:
        raise ConfigError(
            f"backend {settings.backend} with precision {settings.precision} needs CTranslate2, which is not "
            f"installed or cannot use the device {device}; allowed here is huggingface with float32 or bfloat16; "
            "install catscale[fast] or change evaluation.backend and evaluation.precision"
        )
    return "ctranslate2" if usable and settings.backend != "huggingface" else "huggingface"


def _without_conversion(settings: EvaluationConfig, decoders: Sequence[str]) -> Sequence[str]:
    """Return the backends that are left for a vocabulary without a tokenizer; CTranslate2 stays where it is asked for,
    since its conversion says what is missing."""
    is_open = settings.backend == "auto" and settings.precision not in INTEGERS
    return [name for name in decoders if name != "ctranslate2"] if is_open else decoders


def _choose_precision(asked: str, backend: str, device: str) -> str:
    """Return the numbers to compute in.

    Raises:
        ConfigError: If CTranslate2 has not those that are asked for on this device.
    """
    if asked == "auto" and not _is_gpu(device):
        return "float32"
    allowed = _list_computed(device) if backend == "ctranslate2" else _list_of_torch(device)
    if asked == "auto":
        return next((name for name in HALVES if name in allowed), "float32")
    if backend == "ctranslate2" and asked not in allowed:
        raise ConfigError(
            f"evaluation.precision is {asked}, in which CTranslate2 does not compute on the device {device}; allowed "
            f"here are auto, {', '.join(allowed)}; change it, or decode on another device"
        )
    return asked


def _is_gpu(device: str) -> bool:
    return device.startswith("cuda")


def _list_computed(device: str) -> list[str]:
    """List the formats that CTranslate2 computes in on a device."""
    import ctranslate2

    kind, _, index = device.partition(":")
    return sorted(ctranslate2.get_supported_compute_types(kind, int(index or 0)))


def _list_of_torch(device: str) -> list[str]:
    """List the halves that a GPU has instructions for: those without bfloat16 are left in float32."""
    import torch

    from catscale.model.autocast import has_bfloat16

    return ["bfloat16"] if has_bfloat16(torch.device(device)) else []


def _ctranslate2_usable(device: str) -> bool:
    if find_spec("ctranslate2") is None:
        return False
    if _is_gpu(device):
        import ctranslate2

        return bool(ctranslate2.get_cuda_device_count())
    return device == "cpu"
