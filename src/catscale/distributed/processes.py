"""The processes of one run: this one alone, or those that torchrun started.

Every process knows the whole step (which sub-batches it holds follows from seed and step), computes its part of it,
and takes the same decisions; the first one writes.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from catscale.errors import CatscaleError, ConfigError
from catscale.system.environment import read_count

PATIENCE = timedelta(hours=2)
"""The longest wait for another process that is there: preparing a large corpus takes its time."""
MEETING = timedelta(minutes=10)
"""The longest wait for the other processes to start."""
HINT = "start with torchrun, which sets it, or unset it"
SIGNS = ("gloo", "NCCL", "Connection closed by peer", "Connection reset by peer")
"""Texts in errors of a connection between processes; Gloo's have no class of their own."""


class Processes:
    """The place of this process among those of the run.

    Args:
        rank: Its number, from 0.
        size: The number of processes.
        device: The device of its tensors.
    """

    def __init__(self, rank: int = 0, size: int = 1, device: torch.device | None = None) -> None:
        self.rank, self.size, self.device = rank, size, device or torch.device("cpu")

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    @classmethod
    def join(cls, device: torch.device) -> "Processes":
        """Join the processes that torchrun started, or this one alone.

        Args:
            device: The device of this process.

        Raises:
            ConfigError: If the variables that torchrun sets are incomplete or wrong.
            CatscaleError: If the others do not come.
        """
        size = read_count("WORLD_SIZE", 1, hint=HINT) or 1
        if size == 1:
            return cls(device=device)
        missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
        if missing:
            raise ConfigError(
                f"WORLD_SIZE is {size}, but {', '.join(missing)} is not set; start with torchrun, or unset WORLD_SIZE"
            )
        rank = read_count("RANK", 0, size - 1, HINT) or 0
        read_count("MASTER_PORT", 1, 65535, HINT)
        if not dist.is_initialized():
            if device.type == "cuda":
                torch.cuda.set_device(device)
            _meet("nccl" if device.type == "cuda" else "gloo", rank, size)
        return cls(dist.get_rank(), dist.get_world_size(), device)

    def leave(self) -> None:
        """End the connection with the others."""
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()

    def wait(self) -> None:
        """Wait until all are here."""
        self.sum([0.0])

    def sum(self, values: Sequence[float]) -> list[float]:
        """Return sums over the processes, the same everywhere."""
        if self.size == 1:
            return list(values)
        moved = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(moved)
        found: list[float] = moved.tolist()
        return found

    def sum_table(self, table: Mapping[str, float]) -> dict[str, float]:
        """Sum a table whose keys are the same everywhere."""
        return dict(zip(table, self.sum(list(table.values())), strict=True))

    def gather(self, tensor: Tensor) -> list[Tensor]:
        """Return the tensors of all processes, of one shape, on the CPU."""
        if self.size == 1:
            return [tensor.cpu()]
        moved = tensor.to(self.device)
        found = [torch.empty_like(moved) for _ in range(self.size)]
        dist.all_gather(found, moved)
        return [item.cpu() for item in found]

    def exchange(self, text: str) -> list[str]:
        """Return a text of every process, by rank."""
        if self.size == 1:
            return [text]
        content = torch.tensor(list(text.encode()), dtype=torch.uint8)
        lengths = [int(found) for found in self.gather(torch.tensor([len(content)]))]
        padded = torch.zeros(max(lengths), dtype=torch.uint8)
        padded[: len(content)] = content
        found = self.gather(padded)
        return [bytes(part[:length].tolist()).decode() for part, length in zip(found, lengths, strict=True)]


@contextmanager
def lost_processes(processes: Processes) -> Iterator[None]:
    """Say in one message that another process of the run ended, which breaks the connection at once.

    Raises:
        CatscaleError: If the connection fails inside the block.
    """
    try:
        yield
    except RuntimeError as error:
        is_connection = isinstance(error, dist.DistError) or any(sign in str(error) for sign in SIGNS)
        if processes.size == 1 or not is_connection:
            raise
        raise CatscaleError(
            f"process {processes.rank} of {processes.size} lost the connection to another one, which has ended "
            f"({str(error).splitlines()[0][:160]}); see its own message. The same command, on any number of processes, "
            "goes on from the last checkpoint"
        ) from error


def local_device(device: torch.device) -> torch.device:
    """Return this process's device: the GPU of its local number if several processes share a machine."""
    if device.type == "cuda" and device.index is None:
        rank = read_count("LOCAL_RANK", 0, hint=HINT)
        return device if rank is None else torch.device("cuda", rank)
    return device


def speaks_first() -> bool:
    """Return whether this process is the only one, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0").strip() in ("", "0")


def _meet(backend: str, rank: int, size: int) -> None:
    """Connect with the other processes of the run.

    Raises:
        ConfigError: If they compute on another kind of device, or count themselves otherwise.
        CatscaleError: If they do not come within `MEETING`, as where one of them failed before it came here.
    """
    where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    try:
        store, _, _ = next(rendezvous("env://", timeout=MEETING))
        store = PrefixStore("catscale", store)
        mine = f"WORLD_SIZE {size}, backend {backend}"
        store.set(str(rank), mine)
        store.wait([str(other) for other in range(size)], MEETING)
        found = [store.get(str(other)).decode() for other in range(size)]
        if set(found) == {mine}:
            dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)
            return
    except (RuntimeError, ValueError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise CatscaleError(
            f"process {rank} of {size} did not find the others at {where} within {MEETING.total_seconds() / 60:g} "
            f"minutes ({reason}); see whether one of them ended with a message of its own, and whether MASTER_ADDR, "
            "MASTER_PORT and WORLD_SIZE are the same for all"
        ) from error
    told = "; ".join(f"process {other}: {text}" for other, text in enumerate(found))
    raise ConfigError(f"the processes of a run must be as many, on one kind of device, found {told}; use torchrun")
