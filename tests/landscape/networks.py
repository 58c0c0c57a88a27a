"""Small networks with dense Hessians: what the estimates are compared with."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Small(nn.Module):
    """A tied embedding of 7 words around attention and a smooth layer: 174 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 6)
        self.attention = nn.Linear(6, 18, bias=False)
        self.hidden = nn.Linear(6, 3)
        self.out = nn.Linear(3, 1, bias=False)

    def forward(self, words: Tensor) -> Tensor:
        """(B, T) words → mean cross-entropy of predicting the next word."""
        x = self.embedding(words)
        query, key, value = self.attention(x)[:, None].chunk(3, -1)
        x = x + F.scaled_dot_product_attention(query, key, value, is_causal=True)[:, 0]
        x = x + torch.tanh(self.out(torch.tanh(self.hidden(x))))
        logits = x @ self.embedding.weight.T
        return F.cross_entropy(logits.flatten(0, 1), words.roll(-1, 1).flatten())


def network(dtype: torch.dtype = torch.float64) -> tuple[Small, list[Callable[[], Tensor]]]:
    """A network and the parts of its loss: three mini-batches of unequal size."""
    torch.manual_seed(0)
    model = Small().to(dtype)
    batches = [torch.randint(0, 7, size) for size in ((3, 5), (1, 4), (4, 2))]
    return model, [partial(part, model, b, share) for b, share in zip(batches, (0.5, 0.2, 0.3), strict=True)]


def part(model: Small, words: Tensor, share: float) -> Tensor:
    return share * model(words)


def total(losses: Sequence[Callable[[], Tensor]]) -> Tensor:
    return sum((loss() for loss in losses), torch.zeros(()))


def flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def dense_hessian(losses: Sequence[Callable[[], Tensor]], parameters: Sequence[Tensor]) -> Tensor:
    """(D, D) by differentiating the gradient number by number, in the parameters' own precision."""
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        gradient = flat(torch.autograd.grad(total(losses), parameters, create_graph=True))
    rows = []
    for entry in gradient:
        found = torch.autograd.grad(entry, parameters, retain_graph=True, materialize_grads=True, allow_unused=True)
        rows.append(flat(found))
    return torch.stack(rows)


def differences(losses: Sequence[Callable[[], Tensor]], parameters: Sequence[Tensor], vector: Tensor) -> Tensor:
    """H v by central differences of gradients: no second derivative of anything."""

    def move(scale: float) -> None:
        for parameter, piece in zip(parameters, vector.split([p.numel() for p in parameters]), strict=True):
            parameter.data += scale * piece.reshape(parameter.shape)  # graphs that are held do not notice

    move(1e-5)
    ahead = flat(torch.autograd.grad(total(losses), parameters))
    move(-2e-5)
    behind = flat(torch.autograd.grad(total(losses), parameters))
    move(1e-5)
    return (ahead - behind) / 2e-5


def matrix(values: Sequence[float], seed: int = 0) -> Tensor:
    """A symmetric matrix of given eigenvalues in a random basis."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.standard_normal((len(values), len(values))))
    return torch.from_numpy(basis @ np.diag(values) @ basis.T)


def start(size: int, seed: int = 1) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(size))
