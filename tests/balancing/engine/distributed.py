"""Two processes train a small model; run by test_distributed.py, each as

    main(RANK, WORLD, PORT, FOLDER)

Tasks are spread unevenly: what each process holds changes from step to step, one of them may have no data at all of
a task. With one process the same batches are taken as one. Every scenario's result goes to
FOLDER/MODE-STATISTICS-MEMORY-WORLD-RANK.pt.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from catscale import CATS, Fixed, TaskBalancer
from catscale.balancing import OwnedBatch
from catscale.balancing.engine.sharing import StepPlan

TASKS = ["a", "b", "c", "d"]
UPDATES = 13
SCENARIOS = [
    ("ddp", "gramian", "held"),
    ("ddp", "products", "held"),
    ("ddp", "products", "low"),
    ("ddp", "paper", "held"),
    ("ddp", "nothing", "held"),
    ("plain", "gramian", "held"),
    ("fsdp", "gramian", "held"),
    ("fsdp", "products", "held"),
    ("fsdp", "products", "low"),
    ("fsdp", "nothing", "held"),
    ("ddp", "halves", "held"),
    ("fsdp", "halves", "held"),
    ("ddp", "adam", "held"),
    ("plain", "nothing", "mixed"),
    ("ddp", "products", "owned"),
    ("plain", "products", "owned with a plan"),
    ("ddp", "gramian", "joint"),
    ("plain", "gramian", "joint with a plan"),
    ("fsdp", "nothing", "mixed"),
]
"""How the model is spread, what the method asks for, whether task gradients are held, or losses are of mixed batches,
with a plan of what all processes hold, whose rows may have owners; where task gradients are held of them ("joint"), no
parameter is trained that is not compared."""


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(13, 7)
        self.layers = nn.ModuleList(nn.Linear(7, 7) for _ in range(2))
        self.in_step = False
        self.only_a = nn.Parameter(torch.full((7,), 0.1))
        self.head = nn.Linear(7, 1)
        self.register_buffer("counter", torch.zeros(()))  # DistributedDataParallel would broadcast it

    def forward(self, task: str, words: Tensor) -> Tensor:
        x = self.embedding(words)
        for layer in self.layers:
            x = x + torch.tanh(layer(x))
        if task == "a" or self.in_step:
            x = x + self.only_a * (task == "a")
        targets = (words * (2 + TASKS.index(task)) + TASKS.index(task)) % 13
        scores = nn.functional.cross_entropy(x @ self.embedding.weight.T, targets)
        return scores + 0.02 * (self.head(x) - 1).square().mean()


def split(step: int) -> list[dict[str, list[Tensor]]]:
    """What processes 0 and 1 hold at a step, in parts."""
    generator = torch.Generator().manual_seed(step)

    def words(count: int) -> Tensor:
        return torch.randint(13, (count,), generator=generator)

    first = {"a": [words(9)], "b": [words(4), words(6)], "c": [words(5)]}
    second = {"c": [words(11)], "b": [words(3)]}
    if step % 3 == 0:
        second["d"] = [words(8), words(2)]
    if step % 4 == 1:
        del first["b"]
    return [first, second]


def held_by(rank: int, world: int, step: int) -> dict[str, list[Tensor]]:
    if world > 1:
        return split(step)[rank]
    union: dict[str, list[Tensor]] = {}
    for part in split(step):
        for task, found in part.items():
            union.setdefault(task, []).extend(found)
    return union


def method(statistics: Any) -> CATS | Fixed:
    if statistics == "nothing":
        return Fixed(task_weights=[0.2, 0.4, 0.1, 0.2])
    if statistics == "paper":
        return CATS(formulation="paper", inner_steps=1, alpha_lr=5e-4, multiplier_lr=0.1)
    if statistics == "adam":
        return CATS(inner_steps=1, alpha_lr=0.05, multiplier_lr=0.05, metric="adam")
    halves = statistics == "halves"
    return CATS(
        inner_steps=1, alpha_lr=0.05, multiplier_lr=0.05, statistics="gramian" if halves else statistics,
        unbiased=halves, smoothing=0.5 if halves else 0.0,
    )  # fmt: skip


def full(tensor: Tensor) -> Tensor:
    return (tensor.full_tensor() if isinstance(tensor, DTensor) else tensor).detach().clone()


def wrap(model: Net, mode: str, world: int) -> nn.Module:
    if mode == "fsdp":
        model.in_step = True
        mesh = dist.device_mesh.init_device_mesh("cpu", (world,))
        for layer in model.layers:
            fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh, ignored_params=set(model.head.parameters()))
        return model
    return DistributedDataParallel(model) if mode == "ddp" else model


def plan_of(held: list[dict[str, list[Tensor]]]) -> StepPlan:
    """What every process knows of a step: what all of them hold."""
    amounts = {t: float(sum(len(w) for h in held for w in h.get(t, []))) for t in TASKS if any(t in h for h in held)}
    most = {task: max(len(h.get(task, [])) for h in held) for task in amounts}
    return StepPlan(amounts, most, max(sum(map(len, h.values())) for h in held))


def one_of(task: str, loss: Callable[[], Tensor]) -> dict[str, Tensor]:
    return {task: loss()}


class Sent:
    """The numbers in each sum over processes inside the block."""

    def __enter__(self) -> "Sent":
        self.sizes: list[int] = []
        self.before = dist.all_reduce

        def counted(tensor: Tensor, *given: Any, **named: Any) -> Any:
            self.sizes.append(tensor.numel())
            return self.before(tensor, *given, **named)

        dist.all_reduce = counted
        return self

    def __exit__(self, *error: object) -> None:
        dist.all_reduce = self.before


def train(mode: str, statistics: Any, memory: str, rank: int, world: int) -> dict[str, Any]:
    torch.manual_seed(0)
    net, is_joint = Net(), memory.startswith("joint")
    net.only_a.requires_grad_(not is_joint)
    model = wrap(net, mode, world) if world > 1 else net
    is_owned, has_plan = memory.startswith("owned") or is_joint, memory == "mixed" or memory.endswith("with a plan")
    shared = [parameter for name, parameter in model.named_parameters() if is_joint or "head" not in name]
    if is_owned and not is_joint:  # a parameter that is no layer's is not known
        shared = [parameter for parameter in shared if parameter.shape != (7,) or parameter.ndim > 1]
    balancer = TaskBalancer(
        method(statistics), TASKS, shared, low_memory=memory == "low", module=model if world > 1 else None
    )
    optimizer: torch.optim.Optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    if statistics == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02, eps=1e-3)
    balancer.use_metric_of(optimizer)
    steps = []

    def part(task: str, words: Tensor, tokens: int) -> Callable[[], Tensor]:
        return lambda: model(task, words) * len(words) / tokens

    for step in range(UPDATES):
        held = held_by(rank, world, step)
        tokens = {task: sum(len(words) for words in parts) for task, parts in held.items()}
        losses = {task: [part(task, words, tokens[task]) for words in parts] for task, parts in held.items()}
        batch = plan = None
        if is_owned or has_plan:
            batch = [
                OwnedBatch(partial(one_of, task, p), [task], torch.zeros(len(words), dtype=torch.int64))
                for task, parts in losses.items()
                for p, words in zip(parts, held[task], strict=True)
            ]
        if has_plan:
            plan = plan_of(split(step))
        with Sent() as sent:
            result = balancer.backward(losses, tokens=tokens, batch=batch, plan=plan)
        steps.append((result.losses, result.weights, result.curvature, result.gradient_norms))
        optimizer.step()
        optimizer.zero_grad()
    return {
        "weights": balancer.weights,
        "state": balancer.state_dict()["state"],
        "parameters": {n.removeprefix("module."): full(p) for n, p in model.named_parameters()},
        "steps": steps,
        "sent": sent.sizes,
    }


def main(rank: int, world: int, port: int, folder: Path) -> None:
    torch.set_num_threads(1)
    if world > 1:
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        dist.init_process_group("gloo", rank=rank, world_size=world)
    for mode, statistics, memory in SCENARIOS:
        if world > 1 or mode == "ddp":
            content = train(mode, statistics, memory, rank, world)
            torch.save(content, folder / f"{mode}-{statistics}-{memory}-{world}-{rank}.pt")
    if world > 1:
        dist.destroy_process_group()
