"""All uses of the compared parameters are found in the graph, or one that is not known is."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import save_on_cpu
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from catscale.balancing.engine.graph_uses import UnknownUseError, find_uses
from catscale.balancing.engine.parameter_uses import EmbeddingUse, LinearUse, NormUse, ParameterUse, ToldUse
from catscale.balancing.engine.task_gradients import Stretches, TaskGradients
from tests.balancing.engine.owned_network import Corpus

X = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
WORDS = torch.arange(12).view(3, 4) % 5


@pytest.mark.parametrize("tied", [True, False])
def test_each_use_is_found_once(tied: bool) -> None:
    corpus = Corpus(tied=tied)

    def find(parameters: Sequence[Tensor]) -> list[ParameterUse]:
        return find_uses(list(corpus.batch()[0]().values()), parameters)

    uses = find(list(corpus.net.parameters()))
    kinds = [type(use) for use in uses]
    assert {kind: kinds.count(kind) for kind in kinds} == {LinearUse: 11, EmbeddingUse: 2, NormUse: 2}
    shapes = {use.shape for use in uses}
    assert shapes == {(7, 5), (7, 4), (int(corpus.lengths.sum()),)}
    some = [corpus.net.table.weight, corpus.net.decoder.wide.weight, corpus.net.decoder.wide.bias]
    assert len(find(some)) == (4 if tied else 3)
    assert find([nn.Parameter(torch.ones(3))]) == []


def linear() -> nn.Linear:
    return nn.Linear(5, 5)


UNKNOWN: dict[str, tuple[Callable[[], nn.Module], Callable[[Any], Tensor], str]] = {
    "scaled weight": (linear, lambda m: F.linear(X, m.weight * 2, m.bias), "AddmmBackward0"),
    "half of a weight": (linear, lambda m: F.linear(X, m.weight[:2]), "SliceBackward0"),
    "sum": (linear, lambda m: m(X) + m.bias, "AddBackward0"),
    "penalty": (linear, lambda m: m(X).sum() + m.weight.square().sum(), "PowBackward0"),
    "rows that are a parameter": (linear, lambda m: m.weight @ X[0].T, "MmBackward0"),
    "a parameter times another": (linear, lambda m: m.weight @ m.weight.T, "MmBackward0"),
    "that with a bias": (linear, lambda m: torch.addmm(m.bias, m.weight, m.weight.T), "AddmmBackward0"),
    "scaled product": (linear, lambda m: torch.addmm(m.bias, X[0], m.weight.T, alpha=2.0), "AddmmBackward0"),
    "scaled bias": (linear, lambda m: torch.addmm(m.bias, X[0], m.weight.T, beta=2.0), "AddmmBackward0"),
    "bias alone": (linear, lambda m: F.linear(X * 1.0, m.weight.detach(), m.bias), "AddmmBackward0"),
    "no gradient below": (linear, lambda m: m(X.detach()), "AddmmBackward0"),
    "convolution": (lambda: nn.Conv1d(4, 4, 3), lambda m: m(X), "ConvolutionBackward0"),
    "sparse": (lambda: nn.Embedding(5, 3, sparse=True), lambda m: m(WORDS), "EmbeddingBackward0"),
    "by frequency": (lambda: nn.Embedding(5, 3, scale_grad_by_freq=True), lambda m: m(WORDS), "EmbeddingBackward0"),
    "bag": (lambda: nn.EmbeddingBag(5, 3), lambda m: m(WORDS), "EmbeddingBagBackward0"),
    "norm of two dimensions": (lambda: nn.LayerNorm((4, 5)), lambda m: m(X), "NativeLayerNormBackward0"),
    "computed again": (linear, lambda m: checkpoint(lambda x: m(x * 1.0), X, use_reentrant=False), "is not kept"),
    "a loss": (linear, lambda m: m.bias, "a parameter is a loss"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_is_said(name: str) -> None:
    make, run, message = UNKNOWN[name]
    module = make()
    with pytest.raises(UnknownUseError, match=message):
        find_uses([run(module)], list(module.parameters()))


def test_what_is_kept_elsewhere_is_not_known() -> None:
    module = linear()
    with save_on_cpu():
        out = module(X * 1.0)
    with pytest.raises(UnknownUseError, match="what layers take in is not kept"):
        find_uses([out], list(module.parameters()))


def test_shapes_before_rows_were_flattened() -> None:
    module = linear()

    def shape(out: Tensor) -> tuple[int, ...]:
        (use,) = find_uses([out], list(module.parameters()))
        return use.shape

    x = X * 1.0
    assert shape(module(x)) == (3, 4)
    assert shape(module(x.transpose(0, 1).contiguous())) == (4, 3)
    assert shape(module(x.flatten(0, 1))) == (3, 4)
    assert shape(module(x.flatten(0, 1)[2:])) == (10,)
    assert shape(module(x.mean(1))) == (3,)
    assert shape(module(x[None])) == (1, 3, 4)
    assert shape(module(x.view(3, 4, 5, 1).reshape(12, 5))) == (3, 4)


class Told(torch.autograd.Function):
    """Rows times a table, elementwise."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, table: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        ctx.rows = len(rows)
        return rows * table

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor]:
        (rows,) = ctx.saved_tensors
        return None, (gradients[0] * rows).sum(0)

    @staticmethod
    def factor_rows(ctx: Any, saved: Any, back: Tensor) -> Any:
        for part in (slice(0, 3), slice(3, 4)):  # in two pieces
            yield part, [None, ((back * saved[0])[part], None)]


def test_a_function_says_what_its_rows_are_made_of() -> None:
    table = nn.Parameter(torch.randn(5))
    out = Told.apply(X[0].detach(), table)
    (use,) = find_uses([out.square().sum()], [table])
    assert type(use) is ToldUse
    assert use.shape == (4,)
    out.square().sum().backward()
    found = use.multiply({id(table): torch.ones(5)})
    assert found is not None
    assert table.grad is not None
    assert found.sum().item() == pytest.approx(table.grad.sum().item(), rel=1e-5)
    loss, owners = Told.apply(X[0].detach(), table).square().sum(), torch.tensor([1, 0, 1, 0])
    (use,) = find_uses([loss], [table], by_hooks=False)
    assert use.place is not None
    by_task = TaskGradients([table], 2)
    use.add(torch.autograd.grad(loss, [use.place])[0], Stretches.of(owners), by_task)
    for task, (gradient,) in enumerate(by_task.rows([table])):
        wanted = torch.autograd.grad(Told.apply(X[0, owners == task].detach(), table).square().sum(), table)
        torch.testing.assert_close(gradient, wanted[0])
    rows = nn.Parameter(torch.randn(4, 5))
    with pytest.raises(UnknownUseError, match="ToldBackward"):
        find_uses([Told.apply(rows, table)], [rows, table])
    turned = nn.Parameter(torch.randn(5, 4))
    with pytest.raises(UnknownUseError, match="ToldBackward"):
        find_uses([Told.apply(X[0].detach(), turned.T)], [turned])
