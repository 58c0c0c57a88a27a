"""A small model of three tasks, and what plain autograd makes of it."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

TASKS = ["a", "b", "c"]
ALPHA = [0.5, 2.0, 0.25]


class Net(nn.Module):
    """A trunk with a tied embedding, one frozen layer, a parameter that only task a uses, and a head a task."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 6)
        self.hidden = nn.Linear(6, 6)
        self.frozen = nn.Linear(6, 6).requires_grad_(False)
        self.rare = nn.Parameter(torch.full((6,), 0.3))
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({task: nn.Linear(6, 1) for task in TASKS})
        self.calls = 0

    def shared(self) -> list[nn.Parameter]:
        return [p for n, p in self.named_parameters() if not n.startswith("heads.")]

    def forward(self, task: str, words: Tensor) -> Tensor:
        self.calls += 1
        x = torch.tanh(self.dropout(self.hidden(self.embedding(words))))
        x = torch.tanh(self.frozen(x)) + (self.rare if task == "a" else 0)
        scores = nn.functional.cross_entropy(x @ self.embedding.weight.T, words.roll(1))
        return scores + self.heads[task](x).square().mean()


def network(dtype: torch.dtype = torch.float64, dropout: float = 0.0) -> Net:
    torch.manual_seed(0)
    return Net(dropout).to(dtype)


def batches(tasks: list[str] = TASKS) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    drawn = {task: torch.randint(11, (9,), generator=generator) for task in TASKS}
    return {task: drawn[task] for task in tasks}


def gradients(model: Net) -> dict[str, Tensor | None]:
    return {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()}


def assert_same(found: dict[str, Tensor | None], wanted: dict[str, Tensor | None], rtol: float = 1e-9) -> None:
    for name, expected in wanted.items():
        if expected is None or not expected.any():
            assert found[name] is None or not found[name].any(), name
        else:
            torch.testing.assert_close(
                found[name], expected, rtol=rtol, atol=rtol * 1e-2, msg=partial("{}: {}".format, name)
            )


def total(losses: Iterable[Tensor]) -> Tensor:
    return sum(losses, torch.zeros(()))


def plain(model: Net, given: dict[str, Tensor], weights: list[float] = ALPHA) -> dict[str, Tensor | None]:
    """(Σ α_n L_n).backward()"""
    total(weights[TASKS.index(task)] * model(task, words) for task, words in given.items()).backward()
    return gradients(model)


def scaled_by(share: float, model: Net, task: str, words: Tensor) -> Tensor:
    return share * model(task, words)


def as_tensors(model: Net, given: dict[str, Tensor]) -> dict[str, Any]:
    return {task: model(task, words) for task, words in given.items()}


def as_callables(model: Net, given: dict[str, Tensor]) -> dict[str, Any]:
    return {task: partial(model, task, words) for task, words in given.items()}


def as_parts(model: Net, given: dict[str, Tensor]) -> dict[str, Any]:
    """Two parts a task, a tensor and a function."""
    return {
        task: [model(task, words) * 0.3, partial(scaled_by, 0.7, model, task, words)] for task, words in given.items()
    }


def as_one_graph(model: Net, given: dict[str, Tensor]) -> dict[str, Any]:
    """Losses that share the trunk of one forward pass."""
    x = torch.tanh(model.hidden(model.embedding(torch.arange(9))))
    return {task: model.heads[task](x).square().mean() + (x**2).mean() for task in given}


def dense_rows(model: Net, given: dict[str, Tensor], parameters: Sequence[Tensor] | None = None) -> Tensor:
    """(K, D) float64 gradients of the tasks over the trainable shared parameters, zeros where one is not used."""
    chosen = [p for p in (parameters or model.shared()) if p.requires_grad]
    rows = []
    for task, words in given.items():
        found = torch.autograd.grad(model(task, words), chosen, allow_unused=True)
        pairs = zip(chosen, found, strict=True)
        rows.append(torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for p, g in pairs]))
    return torch.stack(rows).double()
