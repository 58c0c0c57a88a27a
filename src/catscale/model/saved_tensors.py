"""The tensors of a saved model: written once each, and read by what the model must have.

A file may come from somebody else. Nothing in it is executed or unpickled. A tensor that is missing would be filled
with random numbers by `from_pretrained`: here it is an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from catscale.errors import CheckpointError
from catscale.system.reading.regular_file import check_regular, reason_of

WEIGHTS = "model.safetensors"
POSITIONS = "embed_positions.weights"
"""The end of the names of tables that earlier versions of transformers kept; they are computed."""
DTYPES = ("F64", "F32", "F16", "BF16")
PACKED = ("U8",)
"""The type of masks."""
RESTORE = "restore it, or train again"
AGAIN = "download or copy it again"
SHOWN = 4
"""Names of each kind that a message has."""


def save_tensors(folder: Path, module: torch.nn.Module, tensors: Mapping[str, Tensor] | None = None) -> None:
    """Write the tensors of a module to `model.safetensors`, tied ones under the first of their names.

    Args:
        folder: Exists.
        module: Names its tensors, and says which are tied.
        tensors: Its state, where it holds parts of it; None for its own.
    """
    state = module.state_dict() if tensors is None else tensors
    write_tensors(folder / WEIGHTS, {names[0]: state[names[0]] for names in _tied(module)})


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors, no two of which share memory, to a file of a new folder."""
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path, {"format": "pt"})


def restore_tensors(folder: Path, module: torch.nn.Module) -> None:
    """Put the tensors of a folder's `model.safetensors` in their places in a module.

    Raises:
        CheckpointError: If they are not the module's, as `load_tensors`.
    """
    # All are found: of tied ones, one name is enough.
    module.load_state_dict(load_tensors(folder / WEIGHTS, module), strict=False)


def load_tensors(path: Path, model: torch.nn.Module) -> dict[str, Tensor]:
    """Read the tensors of a file, which must be those of a model, each under one of its names at least.

    Args:
        path: A safetensors file.
        model: Has them, perhaps without memory ("meta").

    Returns:
        Name → tensor, in the file's precision.

    Raises:
        CheckpointError: If one is missing, unexpected, of another shape or no number, or tied ones differ; all are
            named.
    """
    return load_parts([path], path, model)


def load_parts(paths: Sequence[Path], place: Path, model: torch.nn.Module, follow: bool = False) -> dict[str, Tensor]:
    """Read the tensors of several files, which together must be those of a model, as `load_tensors` reads one.

    Args:
        paths: Safetensors files.
        place: The file or folder that messages name.
        model: Has them, perhaps without memory ("meta").
        follow: Whether the files may be symbolic links, because a user named their folder.
    """
    check_parts(paths, place, model, follow)
    advice = AGAIN if follow else RESTORE
    tensors: dict[str, Tensor] = {}
    for path in paths:
        with _opened(path, advice) as file:
            names = file.keys()  # the file itself cannot be iterated over
            tensors |= {name: file.get_tensor(name) for name in names if not name.endswith(POSITIONS)}
    _check_numbers(place, tensors, model, advice)
    return tensors


def check_parts(paths: Sequence[Path], place: Path, model: torch.nn.Module, follow: bool = False) -> None:
    """Refuse files that are damaged, or whose tensors are not together a model's, by their headers: no number is read.

    Args:
        paths: Safetensors files.
        place: The file or folder that messages name.
        model: Has them, perhaps without memory ("meta").
        follow: Whether the files may be symbolic links, because a user named their folder.

    Raises:
        CheckpointError: If one cannot be read, or a tensor is missing, unexpected or of another shape; all are named.
    """
    found: dict[str, tuple[tuple[int, ...], str]] = {}
    advice = AGAIN if follow else RESTORE
    for path in paths:
        with _opened(path, advice, follow) as file:
            names = file.keys()
            slices = {name: file.get_slice(name) for name in names}
            found |= {name: (tuple(part.get_shape()), str(part.get_dtype())) for name, part in slices.items()}
    if problems := compare(found, model):
        raise CheckpointError(f"{place} is not the model that its configuration describes: {problems}; {advice}")


@contextmanager
def _opened(path: Path, advice: str, follow: bool = True) -> Iterator[Any]:
    """Open a safetensors file, whose faults are told."""
    try:
        check_regular(path, follow)
        with safe_open(path, framework="pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read ({reason_of(error)}); {advice}") from error


def compare(found: Mapping[str, tuple[tuple[int, ...], str]], model: torch.nn.Module) -> str:
    """Say how the tensors of a file differ from those of a model; empty where they do not.

    Args:
        found: Name → shape and safetensors' name of the type.
        model: Has them, perhaps without memory ("meta").
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in _named(model)}
    missing = [" = ".join(names) for names in _tied(model) if not any(name in found for name in names)]
    unexpected = [name for name in found if name not in shapes and not name.endswith(POSITIONS)]
    wrong = [
        f"{name} {found[name][0]} for {shape}"
        for name, shape in shapes.items()
        if name in found and found[name][0] != shape
    ]
    packed = {name for name, tensor in _named(model) if tensor.dtype == torch.uint8}
    types = [
        f"{name} {kind}" for name, (_, kind) in found.items() if kind not in (PACKED if name in packed else DTYPES)
    ]
    listed = {"missing": missing, "unexpected": unexpected, "wrongly shaped": wrong, "of no type of weights": types}
    return "; ".join(f"{len(names)} {what} ({_list(names)})" for what, names in listed.items() if names)


def _list(names: list[str]) -> str:
    return ", ".join(name[:120] for name in names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def _named(model: torch.nn.Module) -> list[tuple[str, Tensor]]:
    """Return parameters and the saved buffers, tied ones under each name."""
    saved = model.state_dict(keep_vars=True)
    return list(saved.items())


def _tied(model: torch.nn.Module) -> list[list[str]]:
    """Return the names of each tensor, several if it is tied."""
    groups: dict[int, list[str]] = {}
    for name, tensor in _named(model):
        groups.setdefault(id(tensor), []).append(name)
    return list(groups.values())


def _check_numbers(path: Path, tensors: Mapping[str, Tensor], model: torch.nn.Module, advice: str) -> None:
    """Refuse what is not finite, and tied tensors that differ.

    Raises:
        CheckpointError: Naming them.
    """
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise CheckpointError(f"{path} holds NaN or infinities in {len(broken)} tensors ({_list(broken)}); {advice}")
    for names in _tied(model):
        there = [name for name in names if name in tensors]
        if any(not torch.equal(tensors[there[0]], tensors[name]) for name in there[1:]):
            raise CheckpointError(
                f"{path} holds different tensors under {_list(there)}, which are one in the model; {advice}"
            )
