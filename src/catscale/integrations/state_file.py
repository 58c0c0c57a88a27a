"""A balancer's state as one safetensors file, for the checkpoints of another trainer; no pickle."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from catscale.balancing import TaskBalancer
from catscale.errors import CheckpointError
from catscale.system.reading.json_file import parse_json
from catscale.system.reading.schema import FileSchema, check
from catscale.system.writing.files import write_bytes

STATE_FILE = "catscale_balancer.safetensors"


class BalancerState(FileSchema):
    """The metadata of the file, as far as it is read here; the balancer checks the rest."""

    state: dict[str, Any]


def save_state(balancer: TaskBalancer, folder: Path) -> None:
    """Write the state into a folder: tensors as they are, everything else as JSON in the file's metadata."""
    content = balancer.state_dict()
    tensors = {name: value.contiguous() for name, value in content["state"].items() if isinstance(value, Tensor)}
    rest = {name: value for name, value in content["state"].items() if name not in tensors}
    write_bytes(folder / STATE_FILE, save(tensors, {"catscale": json.dumps(content | {"state": rest})}))


def load_state(balancer: TaskBalancer, folder: Path) -> None:
    """Restore, bit for bit, what `save_state` wrote.

    Raises:
        CheckpointError: If there is no such file, it cannot be read, or it belongs to another method or other tasks.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        raise CheckpointError(
            f"the checkpoint {folder} holds no {STATE_FILE}: it was written without the balancer, or with "
            "save_only_model; load its model and start a new training instead of resuming"
        )
    try:
        with safe_open(path, framework="pt") as file:
            content = parse_json(file.metadata()["catscale"])
            check(content, BalancerState)
            names = file.keys()  # of an object that is no mapping
            tensors = {name: file.get_tensor(name) for name in names}
        content = dict(content) | {"state": dict(content["state"]) | tensors}
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); resume from another checkpoint") from error
    balancer.load_state_dict(content)
