"""A small encoder-decoder, sentences of three tasks with padding, and their losses one by one and in mixed batches."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from catscale.balancing import OwnedBatch, TaskBalancer

TASKS = ["a", "b", "c"]
WEIGHTS = [0.003, 2.0, 40.0]
V, W, S, T, PAD = 13, 6, 5, 4, 0
OWNERS = torch.tensor([0, 1, 1, 2, 0, 2, 2])
GROUPS: dict[str, Sequence[Sequence[int]]] = {
    "one pass": [range(7)],
    "two passes": [(1, 3, 4), (0, 2, 5, 6)],
    "by sentence": [(n,) for n in range(7)],
}


class Attention(nn.Module):
    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(W, W, bias) for _ in range(3))
        self.norm, self.wide, self.back = nn.LayerNorm(W), nn.Linear(W, 9, bias), nn.Linear(9, W, bias)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
        normal = self.norm(x)
        x = x + F.scaled_dot_product_attention(self.q(normal), self.k(memory), self.v(memory), mask)
        return x + self.back(F.relu(self.wide(x)))


class Network(nn.Module):
    """Both sides look up one table, which also predicts, or a table of its own does."""

    def __init__(self, tied: bool = True, bias: bool = True, dropout: float = 0.0) -> None:
        super().__init__()
        self.table, self.dropout = nn.Embedding(V, W, padding_idx=PAD), nn.Dropout(dropout)
        self.encoder, self.decoder = Attention(bias), Attention(bias)
        self.output = nn.Linear(W, V, bias=False)
        if tied:
            self.output.weight = self.table.weight
        self.calls = 0

    def forward(self, sources: Tensor, targets: Tensor) -> Tensor:
        """Return the (M,) losses of the targets that are no padding."""
        self.calls += 1
        x, y = (self.dropout(self.table(words) * W**0.5) for words in (sources, targets.roll(1, 1)))
        mask = (sources != PAD)[:, None, :]
        hidden = self.decoder(y, self.encoder(x, x, mask), mask)
        is_there = (targets != PAD).flatten()
        states = hidden.flatten(0, 1).index_select(0, is_there.nonzero().flatten())
        return F.cross_entropy(self.output(states), targets.flatten()[is_there], reduction="none")


class Corpus:
    """Seven sentences of three tasks, of unequal lengths on both sides."""

    def __init__(self, dtype: torch.dtype = torch.float64, **options: Any) -> None:
        torch.manual_seed(5)
        self.net = Network(**options).to(dtype)
        generator = torch.Generator().manual_seed(2)
        self.sources = torch.randint(1, V, (7, S), generator=generator)
        self.targets = torch.randint(1, V, (7, T), generator=generator)
        for n in range(7):
            self.sources[n, S - n % 4 :] = PAD if n % 4 else self.sources[n, S:]
            self.targets[n, T - n % 3 :] = PAD if n % 3 else self.targets[n, T:]
        self.lengths = (self.targets != PAD).sum(1)

    def count(self, task: int) -> int:
        return int(self.lengths[task == OWNERS].sum())

    def part(self, task: int, numbers: Sequence[int]) -> Tensor:
        rows = torch.tensor(numbers)
        return self.net(self.sources[rows], self.targets[rows]).sum() / self.count(task)

    def apart(self) -> dict[str, Any]:
        """The parts of each task, one or two sentences each."""
        numbers = [[n for n in range(7) if OWNERS[n] == task] for task in range(3)]
        return {
            name: [partial(self.part, task, found[:1]), partial(self.part, task, found[1:])]
            for task, (name, found) in enumerate(zip(TASKS, numbers, strict=True))
        }

    def mixed(self, numbers: Sequence[int]) -> OwnedBatch:
        rows = torch.tensor(list(numbers))
        present = sorted(set(OWNERS[rows].tolist()), reverse=True)
        sentences = torch.tensor([present.index(n) for n in OWNERS[rows].tolist()])
        tokens = sentences.repeat_interleave(self.lengths[rows])

        def compute() -> Mapping[str, Tensor]:
            each = self.net(self.sources[rows], self.targets[rows])
            sums = each.new_zeros(len(present)).index_add(0, tokens, each)
            return {TASKS[task]: sums[place] / self.count(task) for place, task in enumerate(present)}

        return OwnedBatch(compute, [TASKS[task] for task in present], sentences, tokens)

    def batch(self, form: str = "one pass") -> list[OwnedBatch]:
        return [self.mixed(numbers) for numbers in GROUPS[form]]

    def gradients(self) -> list[Tensor | None]:
        return [None if p.grad is None else p.grad.clone() for p in self.net.parameters()]

    def clear(self) -> None:
        self.net.zero_grad(set_to_none=True)


def slow_products(corpus: Corpus, parameters: Sequence[Tensor], weights: Sequence[float] = WEIGHTS) -> Tensor:
    """(K,) ⟨g_n, Σ w g⟩ from the gradient of each task by itself."""
    rows = []
    for parts in corpus.apart().values():
        total = torch.stack([part() for part in parts]).sum()
        found = torch.autograd.grad(total, list(parameters), allow_unused=True)
        pairs = zip(parameters, found, strict=True)
        rows.append(torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in pairs]))
    stacked = torch.stack(rows).double()
    return stacked @ stacked.T @ torch.tensor(weights, dtype=torch.float64)


def take(
    corpus: Corpus,
    method: Any,
    batch: Any = None,
    parameters: Callable[[Network], Any] = nn.Module.parameters,
    **given: Any,
) -> Any:
    """Take a step and return the report."""
    options = {name: given.pop(name) for name in ("low_memory", "module") if name in given}
    balancer = TaskBalancer(method, TASKS, parameters(corpus.net), **options)
    return balancer.backward(corpus.apart(), batch=batch, **given)
