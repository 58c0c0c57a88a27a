"""The random numbers of a run: dropout draws from PyTorch's generators, each process from its own."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from catscale.training.processes import Processes


def seed_process(seed: int, step: int, processes: Processes) -> None:
    """Seed this process's generators at a step; the first process at step 0 by the run's seed itself."""
    own = seed
    if step or processes.rank:
        own = int(np.random.SeedSequence([seed, step, processes.rank]).generate_state(1, np.uint64)[0] >> 1)
    torch.manual_seed(own)


def random_state(device: torch.device) -> dict[str, Tensor]:
    """State of the generators."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def gather_random_states(processes: Processes) -> dict[str, dict[str, Tensor]]:
    """States of all processes, by their numbers."""
    found = {name: processes.gather(state) for name, state in random_state(processes.device).items()}
    return {str(rank): {name: states[rank] for name, states in found.items()} for rank in range(processes.size)}


def restore_random_states(states: Mapping[str, Mapping[str, Any]], seed: int, step: int, processes: Processes) -> None:
    """Restore this process's generators; those of a process that there was not before are seeded by the step."""
    state = states.get(str(processes.rank))
    if state is None:
        seed_process(seed, step, processes)
        return
    torch.set_rng_state(state["cpu"])
    if processes.device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], processes.device)
