"""FSDP2: every process holds a shard of each parameter, of its gradient and of the optimiser's state.

Checkpoints hold whole tensors, so that they do not depend on how many processes wrote them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from catscale.distributed.processes import Processes
from catscale.errors import CheckpointError


def shard(
    objective: torch.nn.Module,
    layers: Sequence[torch.nn.Module],
    processes: Processes,
    dtype: torch.dtype | None = None,
    reshard_after_forward: bool = True,
) -> None:
    """Spread the parameters of a model over the processes, layer by layer, in place.

    Args:
        objective: Holds the model; losses are computed by calling it.
        layers: The layers of the model; each is gathered and freed by itself.
        processes: Two or more.
        dtype: The type in which parameters are gathered; None for their own. Shards, and sums of gradients, are
            float32 in any case.
        reshard_after_forward: Whether a layer is freed between its forward and its backward pass.
    """
    mesh = init_device_mesh(processes.device.type, (processes.size,))
    policy = MixedPrecisionPolicy()
    if dtype is not None:  # activations keep the types that autocast gives them
        policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32, cast_forward_inputs=False)
    for layer in layers:
        fully_shard(layer, mesh=mesh, mp_policy=policy, reshard_after_forward=reshard_after_forward)
    fully_shard(objective, mesh=mesh, mp_policy=policy)


def choose_gathered(dtype: torch.dtype | None, device: torch.device) -> torch.dtype | None:
    """Return the type in which parameters are gathered, None for their own.

    A processor's layer normalisation refuses parameters of another type than its input, which autocast leaves alone
    there.

    Args:
        dtype: The type of mixed precision.
        device: The device that computes.
    """
    return None if device.type == "cpu" else dtype


def is_sharded(model: torch.nn.Module) -> bool:
    """Return whether each process holds a part of every parameter."""
    return any(isinstance(parameter, DTensor) for parameter in model.parameters())


def gather_whole(tensor: Tensor) -> Tensor:
    """Return the whole of a tensor; every process must ask for it."""
    if not isinstance(tensor, DTensor):
        return tensor
    found: Tensor = tensor.full_tensor().detach()
    return found


def own_part(tensor: Tensor) -> Tensor:
    """Return this process's part of a tensor, in the same memory; the whole where it is not sharded."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def forget_gathered(module: torch.nn.Module) -> None:
    """Drop the whole parameters that a sharded module gathered, so that it next gathers what its parts hold then."""
    for inner in module.modules():
        if isinstance(inner, FSDPModule):
            inner.reshard()


def whole_slots(slots: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the optimiser's state with whole tensors; every process must ask for it."""
    return {
        name: {key: gather_whole(value) if isinstance(value, Tensor) else value for key, value in slot.items()}
        for name, slot in slots.items()
    }


def whole_parameters(model: torch.nn.Module) -> dict[str, Tensor]:
    """Return the state of a sharded model with whole tensors, tied ones shared; every process must ask for it."""
    made: dict[int, Tensor] = {}
    found: dict[str, Tensor] = dict(model.state_dict())
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) not in made:
            made[id(parameter)] = gather_whole(parameter)
        found[name] = made[id(parameter)]
    return found


def spread_like(tensor: Tensor, parameter: Tensor) -> Tensor:
    """Spread a whole tensor as a parameter is; tensors of other shapes (step counts) stay whole."""
    if not isinstance(parameter, DTensor) or tensor.shape != parameter.shape:
        return tensor
    return distribute_tensor(tensor.to(parameter.device), parameter.device_mesh, parameter.placements)


@torch.no_grad()
def load_whole(model: torch.nn.Module, content: Mapping[str, Tensor]) -> None:
    """Load parameters and buffers of a sharded model from whole tensors; of tied ones, one name is enough.

    Raises:
        CheckpointError: If a parameter is missing.
    """
    tensors = (*model.named_parameters(remove_duplicate=False), *model.named_buffers())
    loaded = set()
    for name, tensor in tensors:
        if name in content:
            tensor.copy_(spread_like(content[name], tensor))
            loaded.add(id(tensor))
    missing = [name for name, parameter in model.named_parameters() if id(parameter) not in loaded]
    if missing:
        raise CheckpointError(f"the checkpoint lacks {', '.join(missing[:3])}; it belongs to another model")
