"""The random numbers of a run: dropout draws from PyTorch's generators, each process from its own."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from catscale.balancing.engine.generators import RandomState
from catscale.distributed.processes import Processes


def seed_process(seed: int, step: int, processes: Processes) -> None:
    """Seed this process's generators at a step; the first process at step 0 by the run's seed itself."""
    own = seed
    if step or processes.rank:
        own = int(np.random.SeedSequence([seed, step, processes.rank]).generate_state(1, np.uint64)[0] >> 1)
    torch.manual_seed(own)


def gather_random_states(processes: Processes) -> dict[str, dict[str, Tensor]]:
    """Gather the states of all processes, by their numbers."""
    state = RandomState.capture(processes.device)
    own = {"cpu": state.cpu} if state.cuda is None else {"cpu": state.cpu, "cuda": state.cuda}
    found = {name: processes.gather(tensor) for name, tensor in own.items()}
    return {str(rank): {name: states[rank] for name, states in found.items()} for rank in range(processes.size)}


def restore_random_states(states: Mapping[str, Mapping[str, Any]], seed: int, step: int, processes: Processes) -> None:
    """Restore this process's generators; those of a process that there was not before are seeded by the step."""
    state = states.get(str(processes.rank))
    if state is None:
        seed_process(seed, step, processes)
        return
    cuda = state.get("cuda") if processes.device.type == "cuda" else None
    RandomState(state["cpu"], cuda, processes.device).restore()
