"""What each kind of layer says of its rows is what autograd says of each row by itself."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catscale.balancing.engine.graph_uses import find_uses
from catscale.balancing.engine.parameter_uses import EmbeddingUse, LinearUse, NormUse
from catscale.balancing.engine.task_gradients import Stretches, TaskGradients

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


def assert_by_task(layer: Callable[[], Tensor], parameters: Sequence[Tensor], kind: type, owners: list[int]) -> None:
    """What the uses of parameters add up to is the gradient of each task's sentences by themselves."""
    whose, loss = torch.tensor(owners), tail(layer()).sum()
    uses = find_uses([loss], parameters, by_hooks=False)
    assert kind in {type(use) for use in uses}
    found = TaskGradients(parameters, 2)
    places = [use.place for use in uses if use.place is not None]
    for use, back in zip(uses, torch.autograd.grad(loss, places), strict=True):
        use.add(back, Stretches.of(whose), found)
    assert all(parameter.grad is None for parameter in parameters)
    for task, row in enumerate(found.rows(parameters)):
        rows = tail(layer()).view(len(owners), -1)[whose == task]
        wanted = list(torch.autograd.grad(rows.sum(), parameters))
        torch.testing.assert_close(row, wanted, rtol=1e-12, atol=1e-13)


def below() -> nn.Embedding:
    """A table that gives X: what a layer takes in has a graph then, with no leaf that is not compared."""
    return nn.Embedding.from_pretrained(X.flatten(0, 1).clone(), freeze=False)


@pytest.mark.parametrize("owners", [[0, 0, 1], [1, 0, 1]], ids=["together", "in any order"])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_tasks(name: str, owners: list[int]) -> None:
    make, given, kind = LAYERS[name]
    layer, table = make().double(), below()
    if not given.is_floating_point():
        assert_by_task(lambda: layer(given), list(layer.parameters()), kind, owners)
        return
    words = torch.arange(12).view(3, 4)
    assert_by_task(lambda: layer(table(words)), [*layer.parameters(), table.weight], kind, owners)


def test_gradients_of_tasks_of_a_weight_that_is_not_transposed() -> None:
    weight, table = nn.Parameter(torch.randn(5, 2, dtype=torch.float64)), below()
    words = torch.arange(12).view(3, 4)
    assert_by_task(
        lambda: (table(words).view(-1, 5) @ weight).view(3, 4, -1), [weight, table.weight], LinearUse, [1, 0, 0]
    )


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
