"""Checkpoints: folders of safetensors and JSON with a checksum of each file."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from catscale.errors import CheckpointError
from catscale.system.console.messages import Say
from catscale.system.reading.json_file import load_json
from catscale.system.reading.schema import check
from catscale.system.writing import manifest
from catscale.system.writing.files import (
    clear_leftovers,
    new_folder,
    remove_folder,
    targets_of_leftovers,
    user_errors,
    write_json,
)
from catscale.training.checkpointing.state_schema import CheckpointState

FILES = ("model.safetensors", "state.safetensors", "state.json")
"""The files of every checkpoint; beside them lie the model's JSON files, and the manifest."""


def split_tensors(content: Mapping[str, Any], prefix: str = "") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split a nested mapping into its tensors, by dotted name, and the rest, as JSON."""
    tensors: dict[str, Tensor] = {}
    rest: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Tensor):
            tensors[f"{prefix}{key}"] = value.detach().cpu().contiguous()
        elif isinstance(value, Mapping):
            found, rest[key] = split_tensors(value, f"{prefix}{key}.")
            tensors |= found
        else:
            rest[key] = value
    return tensors, rest


def join_tensors(tensors: Mapping[str, Tensor], rest: Mapping[str, Any]) -> dict[str, Any]:
    """Put together the nested mapping that `split_tensors` split, whose keys may hold dots themselves.

    Example:
        >>> join_tensors({"optimizer.encoder.weight.step": 3}, {"optimizer": {"encoder.weight": {}}})
        {'optimizer': {'encoder.weight': {'step': 3}}}
    """
    content = json.loads(json.dumps(rest))
    for name, tensor in tensors.items():
        group, key = _find_group(content, name)
        group[key] = tensor
    return dict(content)


def _find_group(content: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    """Return the innermost mapping that a dotted name leads to, and the key in it; missing ones are made."""
    parts = name.split(".")
    start = 0
    while start < len(parts) - 1:
        ends = range(start + 1, len(parts))
        end = next((end for end in ends if isinstance(content.get(".".join(parts[start:end])), dict)), start + 1)
        content = content.setdefault(".".join(parts[start:end]), {})
        start = end
    return content, parts[-1]


def save_checkpoint(
    folder: Path, step: int, save_model: Callable[[Path], object], content: Mapping[str, Any], keep: int
) -> Path:
    """Write `folder/step-N` whole or not at all, then remove all but the newest `keep` checkpoints up to N.

    None is removed before the new one was read back from the disk and found to be what was written. Checkpoints beyond
    N are damaged ones that the run had to go back behind; they are removed too.

    Args:
        folder: The run's `checkpoints`.
        step: N.
        save_model: Writes the model into the folder it is given.
        content: Nested mapping of tensors, numbers, strings and lists.
        keep: Checkpoints to keep.

    Raises:
        CatscaleError: If it cannot be written.
        CheckpointError: If what is on the disk is not what was written; all older checkpoints are kept.
    """
    target = folder / f"step-{step}"
    with new_folder(target) as temporary:
        save_model(temporary)
        tensors, rest = split_tensors(content)
        save_file(tensors, temporary / "state.safetensors")
        write_json(temporary / "state.json", rest)
        manifest.write_manifest(temporary)
    with user_errors("read back", target):
        manifest.forget_cached(target)
    problem = find_checkpoint_damage(target)
    if problem is not None:
        raise CheckpointError(f"{problem}, just after it was written; older ones are kept: check the disk")
    for path in list_checkpoints(folder):
        if step_of(path) > step:
            remove_folder(path)
    remove_old(folder, step, keep)
    return target


def remove_old(folder: Path, step: int, keep: int) -> None:
    """Remove all but the newest `keep` checkpoints up to one that is known to be whole."""
    for path in [path for path in list_checkpoints(folder) if step_of(path) <= step][keep:]:
        remove_folder(path)


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a run, the newest first."""
    found = [p for p in folder.glob("step-*") if re.fullmatch(r"step-[0-9]{1,18}", p.name) and not p.is_symlink()]
    return sorted(found, key=step_of, reverse=True)


def step_of(checkpoint: Path) -> int:
    """Return the number in a checkpoint's name."""
    return int(checkpoint.name.removeprefix("step-"))


def load_newest(folder: Path, warn: Say) -> tuple[Path, dict[str, Any]] | None:
    """Load the newest undamaged checkpoint, clearing away what a kill left beside it; return its path and content.

    Args:
        folder: The run's `checkpoints`.
        warn: Told of every damaged checkpoint that is passed over.

    Returns:
        None if there is no checkpoint at all.

    Raises:
        CheckpointError: If there are checkpoints and all are damaged.
    """
    for target in targets_of_leftovers(folder):
        clear_leftovers(target)
    problems: list[str] = []
    for path in list_checkpoints(folder):
        content, problem = _open(path)
        if problem is None:
            for earlier in problems:
                warn(f"warning: {earlier}; the checkpoint before it is used")
            return path, content
        problems.append(problem)
    if problems:
        raise CheckpointError(f"no usable checkpoint in {folder}: {'; '.join(problems)}; start again in a new folder")
    return None


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load one checkpoint; nothing is repaired, so that a training run may go on writing meanwhile.

    Raises:
        CheckpointError: If it is damaged, or gone.
    """
    content, problem = _open(path)
    if problem is not None:
        raise CheckpointError(f"{problem}; choose another one, or wait for the next")
    return content


def require(path: Path, content: Mapping[str, Any], names: Collection[str]) -> None:
    """Check that a checkpoint holds what is needed of it.

    Raises:
        CheckpointError: If it does not, because another version wrote it.
    """
    missing = [name for name in names if name not in content]
    if missing:
        raise CheckpointError(
            f"checkpoint {path} has no {', '.join(missing)}: another version of catscale wrote it; use that one, or "
            "train again in a new folder"
        )
    try:
        check({name: content[name] for name in names}, CheckpointState)
    except ValueError as error:
        raise CheckpointError(
            f"checkpoint {path} does not fit this run ({error}); another version of catscale wrote it, or it was "
            "changed: train again in a new folder"
        ) from error


def _open(path: Path) -> tuple[dict[str, Any], str | None]:
    """Return the content of a checkpoint, and what is wrong with it."""
    problem = find_checkpoint_damage(path)
    if problem is not None:
        return {}, problem
    try:
        rest = load_json(path / "state.json")
        return join_tensors(load_file(path / "state.safetensors"), dict(rest)), None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        return {}, f"checkpoint {path} cannot be read ({type(error).__name__}: {error})"


def find_checkpoint_damage(path: Path) -> str | None:
    """Return what is wrong with a checkpoint's files, or None."""
    problem = manifest.find_damage(path, FILES)
    return None if problem is None else f"checkpoint {path} is damaged: {problem}"
