"""What each kind of layer says of its rows is what autograd says of each row by itself."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catscale.balancing.engine.graph_uses import find_uses
from catscale.balancing.engine.parameter_uses import EmbeddingUse, LinearUse, NormUse

torch.manual_seed(0)
X = torch.randn(3, 4, 5, dtype=torch.float64)
WORDS = torch.tensor([[1, 2, 2, 0], [3, 3, 1, 2], [0, 0, 5, 1]])


def tail(out: Tensor) -> Tensor:
    """A loss by row, (R,), that is not linear in the layer's output."""
    return (out * 1.3 + 0.4).sin().flatten(0, -2).square().sum(1)


def by_row(layer: Callable[[], Tensor], parameters: Sequence[Tensor], vector: dict[int, Tensor]) -> Tensor:
    """The product of each row's gradient with a vector, one backward pass a row."""
    found = []
    for row in tail(layer()):
        each = torch.autograd.grad(row, parameters, retain_graph=True, allow_unused=True)
        pairs = zip(parameters, each, strict=True)
        found.append(sum(((g * vector[id(p)]).sum() for p, g in pairs if g is not None), torch.zeros(())))
    return torch.stack(found)


LAYERS: dict[str, tuple[Callable[[], nn.Module], Any, type]] = {
    "narrower": (lambda: nn.Linear(5, 3), X, LinearUse),
    "wider": (lambda: nn.Linear(5, 9), X, LinearUse),
    "no bias": (lambda: nn.Linear(5, 6, bias=False), X, LinearUse),
    "table": (lambda: nn.Embedding(6, 3), WORDS, EmbeddingUse),
    "table with padding": (lambda: nn.Embedding(6, 3, padding_idx=2), WORDS, EmbeddingUse),
    "table without a row of padding 0": (lambda: nn.Embedding(6, 3, padding_idx=0), WORDS, EmbeddingUse),
    "norm": (lambda: nn.LayerNorm(5), X, NormUse),
    "norm without bias": (lambda: nn.LayerNorm(5, bias=False), X, NormUse),
}


@pytest.mark.parametrize("name", LAYERS)
def test_rows_of_a_layer(name: str) -> None:
    make, given, kind = LAYERS[name]
    layer = make().double()
    parameters = list(layer.parameters())
    needs = given.clone().requires_grad_() if given.is_floating_point() else given
    vector = {id(p): torch.randn_like(p) for p in parameters}

    def run() -> Tensor:
        out: Tensor = layer(needs * 1.0 if needs.is_floating_point() else needs)
        return out

    loss = tail(run()).sum()
    (use,) = find_uses([loss], parameters)
    assert type(use) is kind
    assert use.shape == (3, 4)
    assert use.multiply(vector) is None
    assert use.squares() is None
    loss.backward()
    found, squares = use.multiply(vector), use.squares()
    assert found is not None
    assert squares is not None
    torch.testing.assert_close(found, by_row(run, parameters, vector), rtol=1e-12, atol=1e-13)
    assert squares.shape == (12,)
    assert (squares > 0).any()
    assert use.multiply({}) is None
    one = {id(parameters[-1]): vector[id(parameters[-1])]}  # the vector is zero in the others
    part = use.multiply(one)
    assert part is not None
    torch.testing.assert_close(part, by_row(run, parameters[-1:], one), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("outputs", "is_turned_twice"), [(2, False), (8, False), (8, True)])
def test_a_weight_that_is_not_transposed(outputs: int, is_turned_twice: bool) -> None:
    """As of GPT-2's layers."""
    weight = nn.Parameter(torch.randn(5, outputs, dtype=torch.float64))
    bias = nn.Parameter(torch.randn(outputs, dtype=torch.float64))
    given, parameters = X.clone().requires_grad_(), [weight, bias]

    def layer() -> Tensor:
        matrix = weight.T.T if is_turned_twice else weight
        return torch.addmm(bias, (given * 1.0).view(-1, 5), matrix).view(3, 4, -1)

    vector = {id(p): torch.randn_like(p) for p in parameters}
    loss = tail(layer()).sum()
    (use,) = find_uses([loss], parameters)
    loss.backward()
    found = use.multiply(vector)
    assert found is not None
    torch.testing.assert_close(found, by_row(layer, parameters, vector), rtol=1e-12, atol=1e-13)


def test_half_precision_is_summed_in_float32() -> None:
    """Rows whose products would overflow or be lost in bfloat16 are not."""
    layer = nn.Linear(64, 64)
    given = torch.randn(8, 64, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = layer(given * 1.0).float().square().sum()
    (use,) = find_uses([loss], list(layer.parameters()))
    loss.backward()
    vector = {id(p): p.grad for p in layer.parameters() if p.grad is not None}
    found = use.multiply(vector)
    assert found is not None
    assert found.dtype == torch.float32
    square = sum(part.double().square().sum().item() for part in vector.values())
    assert found.double().sum().item() == pytest.approx(square, rel=2e-3)
