"""Reading a saved model: its configuration by a list of what it may hold, its tensors by what the model must have.

A folder may come from somebody else. Nothing in it is executed or unpickled; of `config.json` only the sizes and ids
below are taken, so that nothing in it names code, a kernel, an adapter or another file to load. A tensor that is
missing would be filled with random numbers by `from_pretrained`: here it is an error.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import M2M100Config, M2M100ForConditionalGeneration

from catscale.errors import CheckpointError
from catscale.model.quiet import be_quiet
from catscale.model.saved_config import CONFIG, read_saved_config
from catscale.system.reading.regular_file import check_regular, reason_of
from catscale.system.writing.files import link_file, write_json

WEIGHTS = "model.safetensors"
POSITIONS = "embed_positions.weights"
"""The end of the names of tables that earlier versions of transformers kept; they are computed."""
DTYPES = ("F64", "F32", "F16", "BF16")
SHOWN = 4
"""Names of each kind that a message has."""


def read_config(folder: Path) -> M2M100Config:
    """Read a model's configuration.

    Raises:
        CheckpointError: If it is missing, damaged, or of another kind of model.
    """
    return M2M100Config(**read_saved_config(folder).model_dump(exclude={"model_type", "architectures"}))


def load_model(folder: Path) -> M2M100ForConditionalGeneration:
    """The model of a Hugging Face folder, in evaluation mode, float32; nothing in the folder is executed or unpickled.

    Raises:
        CheckpointError: If the folder holds no readable model, or not all of its tensors.
    """
    if not (folder / WEIGHTS).is_file():
        raise CheckpointError(f"no model in {folder}: {WEIGHTS} is missing; train first, or check the path")
    be_quiet()
    config = read_config(folder)
    tensors = load_tensors(folder / WEIGHTS, _empty(config))
    model = M2M100ForConditionalGeneration.from_pretrained(
        None, config=config, state_dict=tensors, dtype=torch.float32, local_files_only=True
    )
    model.config.name_or_path = ""  # transformers writes "None"
    return model.eval()


def _empty(config: M2M100Config) -> M2M100ForConditionalGeneration:
    """A model without memory."""
    with torch.device("meta"):
        return M2M100ForConditionalGeneration(config)


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
    try:
        check_regular(path)
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            found = {name: (tuple(s.get_shape()), str(s.get_dtype())) for name in names for s in [file.get_slice(name)]}
            problems = compare(found, model)
            if problems:
                raise CheckpointError(f"{path} is not the model that its configuration describes: {problems}")
            tensors = {name: file.get_tensor(name) for name in names if not name.endswith(POSITIONS)}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read ({reason_of(error)}); restore it, or train again") from error
    _check_numbers(path, tensors, model)
    return tensors


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
    types = [f"{name} {kind}" for name, (_, kind) in found.items() if kind not in DTYPES]
    listed = {"missing": missing, "unexpected": unexpected, "wrongly shaped": wrong, "of no type of weights": types}
    return "; ".join(f"{len(names)} {what} ({_list(names)})" for what, names in listed.items() if names)


def _list(names: list[str]) -> str:
    return ", ".join(name[:120] for name in names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def _named(model: torch.nn.Module) -> list[tuple[str, Tensor]]:
    """Parameters and the buffers that are saved, tied ones under each name."""
    saved = model.state_dict(keep_vars=True)
    return list(saved.items())


def _tied(model: torch.nn.Module) -> list[list[str]]:
    """Names of each tensor, several where it is tied."""
    groups: dict[int, list[str]] = {}
    for name, tensor in _named(model):
        groups.setdefault(id(tensor), []).append(name)
    return list(groups.values())


def _check_numbers(path: Path, tensors: Mapping[str, Tensor], model: torch.nn.Module) -> None:
    """Refuse what is not finite, and tied tensors that differ.

    Raises:
        CheckpointError: Naming them.
    """
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise CheckpointError(
            f"{path} holds NaN or infinities in {len(broken)} tensors ({_list(broken)}); restore it, or train again"
        )
    for names in _tied(model):
        there = [name for name in names if name in tensors]
        if any(not torch.equal(tensors[there[0]], tensors[name]) for name in there[1:]):
            raise CheckpointError(
                f"{path} holds different tensors under {_list(there)}, which are one in the model; restore it, or "
                "train again"
            )


def write_clean(folder: Path, target: Path) -> None:
    """Make a folder of a saved model that holds nothing but what was checked, for readers that take more of it.

    Args:
        folder: The saved model.
        target: An empty folder.

    Raises:
        CheckpointError: If it is no whole model.
    """
    config: Any = read_config(folder)
    load_tensors(folder / WEIGHTS, _empty(config))
    config.architectures = ["M2M100ForConditionalGeneration"]
    write_json(target / CONFIG, config.to_dict())
    link_file(folder / WEIGHTS, target / WEIGHTS)
