"""The collectives of a training step on many processes, counted on one.

    python benchmarks/collectives.py [--processes 2]

A process group that does nothing stands for the others, so that numbers are those of a step and not its values. One
model of the smallest preset on the embedded corpus; a bucket of gradients holds up to 8 million numbers, here all of
them. Small sums are of losses and their like, a few numbers a task; others are of gradients. Sharded, parameters are
gathered and gradients scattered for each layer.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch.distributed as dist
from benchmarks.joined_passes import prepare_corpus
from torch import Tensor
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.utils._python_dispatch import TorchDispatchMode

from catscale.data.store.store import Store
from catscale.distributed.processes import Processes
from catscale.run.assembly import Assembly
from catscale.run.config import RunConfig
from catscale.training.trainer import Trainer

SMALL = 1000
"""Sums of no more numbers are small."""
KINDS = {"_allgather_base_": "gathers", "_reduce_scatter_base_": "scatters"}
METHODS: dict[str, dict[str, Any]] = {
    "nothing": {"method": "fixed"},
    "products": {"method": "cats", "inner_steps": 1, "statistics": "products"},
    "Gram matrix": {"method": "cats", "inner_steps": 1},
}
"""Balancing methods, by what their steps measure."""
CASES = [("nothing", False), ("products", False), ("products", True), ("Gram matrix", False)]
"""What is measured, and whether with low memory."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    size = parser.parse_args(arguments).processes
    print("measured | parameters | small sums | buckets | gathers | scatters")
    with TemporaryDirectory() as folder, stand_ins(size):
        store = prepare_corpus(Path(folder))
        for measured, low_memory in CASES:
            for kind in ("replicated", "sharded"):
                config = make_config(METHODS[measured], sharded=kind == "sharded", low_memory=low_memory)
                name = measured + ", low_memory" * low_memory
                found = count_collectives(config, store, Path(folder, name, kind), size)
                cells = [name, kind, *(found[key] for key in ("small", "buckets", "gathers", "scatters"))]
                print(" | ".join(map(str, cells)), flush=True)


def make_config(balancing: dict[str, Any], sharded: bool, low_memory: bool = False) -> RunConfig:
    """Return the configuration of a small run, each step of which holds all tasks."""
    training = {"batch_tokens": 512, "validate_sentences": 1, "precision": "fp32", "threads": 1}
    return RunConfig.model_validate(
        {
            "data": {"format": "opus100", "path": "corpus", "source": "en", "targets": "all"},
            "sampling": {"method": "every"},
            "balancing": balancing,
            "model": {"preset": "tiny"},
            "training": {**training, "sharded": sharded, "low_memory": low_memory},
        }
    )


@contextmanager
def stand_ins(size: int) -> Iterator[None]:
    """Have a process group of so many, this one first, the others of which do nothing, inside the block."""
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=size)
    try:
        yield
    finally:
        dist.destroy_process_group()


class Collectives(TorchDispatchMode):
    """Counts collectives inside its block.

    Attributes:
        found: Numbers of small sums, buckets, gathers and scatters; others by PyTorch's name.
        sent: Bytes that this process gives to each kind.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func.namespace == "c10d":
            name = func.overloadpacket.__name__
            kind, given = KINDS.get(name, name), args[0] if isinstance(args[0], list) else [args[1]]
            if name == "allreduce_":
                kind = "small" if sum(each.numel() for each in given) <= SMALL else "buckets"
            self.found[kind] += 1
            self.sent[kind] += sum(each.numel() * each.element_size() for each in given if isinstance(each, Tensor))
        return func(*args, **(kwargs or {}))


def count_collectives(config: RunConfig, store: Store, folder: Path, size: int) -> Counter[str]:
    """Count the collectives that one step more takes in a run.

    Args:
        config: The run's configuration.
        store: Its data.
        folder: An empty one for its files.
        size: The number of processes.
    """
    found: list[Counter[str]] = []
    for steps in (2, 3):
        place = folder / str(steps)
        place.mkdir(parents=True)
        own = config.model_copy(update={"training": config.training.model_copy(update={"max_steps": steps})})
        trainer = Trainer(Assembly(own, store).build_setup(place, Processes(0, size), lambda line: None))
        with Collectives() as counted:
            trainer.fit()
        found.append(counted.found)
    return found[1] - found[0]


if __name__ == "__main__":
    main()
