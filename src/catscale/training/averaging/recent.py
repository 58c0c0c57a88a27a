"""The models of the latest validations, kept for their mean.

RUN/averages/recent/step-N/    `model.safetensors`, a second name of the checkpoint's file where the disk has links, and
                               its checksum
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch.nn import Module, Parameter

from catscale.distributed.sharding import own_part, spread_like
from catscale.errors import CheckpointError
from catscale.model.saved_tensors import WEIGHTS
from catscale.system.console.messages import Say
from catscale.system.reading.regular_file import reason_of
from catscale.system.writing.files import (
    clear_leftovers,
    link_file,
    new_folder,
    remove_folder,
    targets_of_leftovers,
    write_json,
)
from catscale.system.writing.manifest import MANIFEST, find_damage, read_manifest
from catscale.training.averaging.places import recent_folder
from catscale.training.checkpointing.checkpoint import list_checkpoints, step_of


def keep_recent(run: Path, checkpoint: Path, count: int) -> None:
    """Keep the model of a checkpoint, and of those before it the newest.

    Args:
        run: The run's folder.
        checkpoint: The checkpoint of a validation.
        count: The number of models to keep.
    """
    target = recent_folder(run) / checkpoint.name
    with new_folder(target) as temporary:
        link_file(checkpoint / WEIGHTS, temporary / WEIGHTS)
        write_json(temporary / MANIFEST, {WEIGHTS: read_manifest(checkpoint)[WEIGHTS]})
    for path in list_checkpoints(recent_folder(run))[count:]:
        remove_folder(path)


def list_recent(run: Path, step: int, count: int) -> list[Path]:
    """List the newest kept models of steps before `step`, at most `count`, the oldest first."""
    return [path for path in list_checkpoints(recent_folder(run)) if step_of(path) < step][:count][::-1]


def settle_recent(run: Path, step: int, warn: Say) -> None:
    """Remove what a run that goes on after `step` cannot use: models of later steps, and damaged ones."""
    for target in targets_of_leftovers(recent_folder(run)):
        clear_leftovers(target)
    for path in list_checkpoints(recent_folder(run)):
        damage = find_damage(path, (WEIGHTS,))
        if step_of(path) <= step and damage is not None:
            warn(f"warning: {path} is damaged ({damage}); the average of the last models goes without it")
        if step_of(path) > step or damage is not None:
            remove_folder(path)


@torch.no_grad()
def put_mean(
    folders: Sequence[Path], parameters: Mapping[str, Parameter], names: Mapping[str, Collection[str]]
) -> None:
    """Put the mean of kept models and the parameters as they are into the parameters, tensor by tensor, in float32.

    Args:
        folders: The kept models'.
        parameters: By name; of a sharded model the parts of this process, and all processes take part.
        names: All names of each, one of which a file has.

    Raises:
        CheckpointError: If a kept model cannot be read, or is another.
    """
    try:
        with ExitStack() as stack:
            files = [stack.enter_context(safe_open(folder / WEIGHTS, framework="pt")) for folder in folders]
            listed = [set(file.keys()) for file in files]
            for name, parameter in parameters.items():
                present = own_part(parameter)
                total = torch.zeros_like(present, dtype=torch.float32)
                for file, keys in zip(files, listed, strict=True):
                    tensor = file.get_tensor(next(n for n in names[name] if n in keys))
                    total += own_part(spread_like(tensor, parameter)).to(total.device)
                present.copy_((total + present) / (len(files) + 1))
    except (OSError, SafetensorError, StopIteration, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise CheckpointError(
            f"a model of {folders[0].parent} cannot be read ({reason_of(error)}); remove that folder, and the average "
            "begins anew"
        ) from error


def list_names(stored: Module, parameters: Mapping[str, Parameter]) -> dict[str, list[str]]:
    """Return all names of each parameter in a module, several if it is tied."""
    groups: dict[int, list[str]] = {}
    for name, parameter in stored.named_parameters(remove_duplicate=False):
        groups.setdefault(id(parameter), []).append(name)
    return {name: groups[id(parameter)] for name, parameter in parameters.items()}
