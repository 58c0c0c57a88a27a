"""Rows belong to the tasks of their sentences, or nobody says whose they are."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from catscale.balancing import OwnedBatch, TaskBalancer
from catscale.balancing.engine.graph_uses import UnknownUseError
from tests.balancing.engine.owned_network import OWNERS, TASKS, Corpus
from tests.balancing.engine.spies import spy

SENTENCES = torch.tensor([0, 0, 1])


def batch_of(out: Callable[[], Tensor], tokens: Tensor | None = None, sentences: Tensor = SENTENCES) -> OwnedBatch:
    return OwnedBatch(lambda: {"x": out().sum()}, ["x", "y"], sentences, tokens)


def watched(
    given: Tensor, tokens: Tensor | None = None, sentences: Tensor = SENTENCES, other: Tensor | None = None
) -> list[tuple[int, ...]]:
    """The shapes of rows that a layer, and maybe another one, was found to take in."""
    layer = nn.Linear(5, 2)
    taken = [each.clone().requires_grad_() for each in (given, other) if each is not None]
    batch = batch_of(lambda: torch.stack([layer(each * 1.0).square().sum() for each in taken]), tokens, sentences)
    return [use.shape for use in batch.watch(list(batch().values()), list(layer.parameters()))]


def test_rows_are_of_sentences_or_tokens() -> None:
    tokens = torch.tensor([0, 0, 0, 1, 1])
    assert watched(torch.ones(3, 4, 5)) == [(3, 4)]
    assert watched(torch.ones(3, 4, 2, 5)) == [(3, 4, 2)]
    assert watched(torch.ones(3, 5)) == [(3,)]
    assert watched(torch.ones(5, 5), tokens) == [(5,)]
    assert watched(torch.ones(3, 5), tokens) == [(3,)]


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        (torch.ones(4, 3, 5), None),
        (torch.ones(6, 3, 5), None),
        (torch.ones(7, 5), None),
        (torch.ones(7, 5), torch.zeros(5, dtype=torch.int64)),
    ],
    ids=["positions first", "twice as many positions", "no tokens", "other tokens"],
)
def test_rows_of_another_shape_are_nobody_s(given: Tensor, tokens: Tensor | None) -> None:
    with pytest.raises(UnknownUseError, match=r"whose the rows of shape \(.*\) are is not known"):
        watched(given, tokens)


def test_as_many_positions_as_sentences_tell_nothing_by_themselves() -> None:
    """But where others show that sentences come first, and where there is one sentence."""
    with pytest.raises(UnknownUseError, match="sentences and positions are both 3, which cannot be told apart"):
        watched(torch.ones(3, 3, 5))
    assert sorted(watched(torch.ones(3, 3, 5), other=torch.ones(3, 4, 5))) == [(3, 3), (3, 4)]
    assert watched(torch.ones(1, 1, 5), sentences=torch.tensor([1])) == [(1, 1)]


def test_products_by_task_are_sums_over_its_rows() -> None:
    """Of padding and of sentences in any order; what no task owns adds nothing."""
    corpus = Corpus()
    batch = corpus.batch()[0]
    parameters = list(corpus.net.parameters())
    losses = batch()
    uses = batch.watch(list(losses.values()), parameters)
    sum(losses.values(), torch.zeros(())).backward()
    vector = {id(p): torch.randn_like(p) for p in parameters}
    found = batch.multiply(uses, vector)
    squares = batch.squares(uses)
    assert set(found) == set(squares) == set(TASKS)
    for task, name in enumerate(TASKS):
        numbers = [n for n in range(7) if OWNERS[n] == task]
        gradients = torch.autograd.grad(corpus.part(task, numbers), parameters, allow_unused=True)
        pairs = zip(parameters, gradients, strict=True)
        wanted = sum((vector[id(p)] * g).sum().item() for p, g in pairs if g is not None)
        assert found[name].item() == pytest.approx(wanted, rel=1e-10)
        assert found[name].dtype == torch.float64
        assert squares[name] > 0
    assert batch.multiply([], vector)[TASKS[0]] == 0


def test_tokens_are_needed_where_a_layer_takes_them_in() -> None:
    """Without them the step takes a pass for each task."""
    corpus = Corpus()
    without = replace(corpus.batch()[0], tokens=None)
    method = spy("products")
    TaskBalancer(method, TASKS, corpus.net.parameters()).backward(corpus.apart(), batch=without)
    assert corpus.net.calls == 1 + 6


def test_it_is_a_batch_where_nothing_is_measured() -> None:
    corpus = Corpus()
    method = spy("nothing")
    TaskBalancer(method, TASKS, corpus.net.parameters()).backward(corpus.apart(), batch=corpus.batch("two passes"))
    assert corpus.net.calls == 2
