"""The output layer and its loss in chunks, against the plain form in float64: values, gradients, memory."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import Linear, Module, Parameter
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from catscale.balancing.engine.graph_uses import find_uses
from catscale.balancing.engine.task_gradients import Stretches, TaskGradients
from catscale.data.batching import make_batch
from catscale.data.direction import Direction
from catscale.data.joining import join_batches
from catscale.model import chunked_cross_entropy as chunked
from catscale.model import likelihood
from catscale.model.chunked_cross_entropy import chunked_cross_entropy
from catscale.model.contract import Prediction
from catscale.model.likelihood import batch_losses, joined_losses, sentence_losses, twice_differentiable_nll
from catscale.model.m2m100 import M2M100
from catscale.model.output_layer import list_tables
from catscale.model.split_table import SplitHead, score_states, split_table

VOCABULARY: Any = SimpleNamespace(size=40, bos_id=0, pad_id=1, eos_id=2, tag=lambda language: 38)
EN_AZ = Direction("en", "az")
SOURCES, TARGETS = [[5, 6, 7, 8, 9], [7], [10, 11, 12]], [[8], [9, 10, 11, 12], [13, 14]]
TOKENS, WIDTH, ROWS = 23, 6, (11, 5)


class Largest(TorchDispatchMode):
    """Notes the numbers of the largest tensor that an operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(found) if isinstance(leaf, Tensor)]
        self.numbers = max([self.numbers, *sizes])
        return found


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> int:
    """Set chunks of four tokens of the material, and of one of the model; return a chunk's scores."""
    for module in (chunked, likelihood):
        monkeypatch.setattr(module, "SCORES_AT_ONCE", 4 * sum(ROWS))
    return 4 * sum(ROWS)


def material(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, list[Tensor]]:
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(TOKENS, WIDTH, generator=generator).to(dtype).requires_grad_()
    tables = [torch.randn(rows, WIDTH, generator=generator).to(dtype).requires_grad_() for rows in ROWS]
    return states, torch.randint(sum(ROWS), (TOKENS,), generator=generator), tables


def slow(states: Tensor, labels: Tensor, tables: list[Tensor], smoothing: float) -> tuple[Tensor, Tensor]:
    """Return losses and NLL token by token, by their definition."""
    losses, nll = [], []
    for state, label in zip(states, labels.tolist(), strict=True):
        scores = torch.stack([(row * state).sum() for table in tables for row in table])
        logs = scores - scores.exp().sum().log()
        losses.append(-(1 - smoothing) * logs[label] - smoothing * logs.sum() / len(logs))
        nll.append(-logs[label])
    return torch.stack(losses), torch.stack(nll)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("weighted", [False, True], ids=["summed", "weighted"])
def test_losses_and_gradients_are_those_of_the_definition(
    small_chunks: int, smoothing: float, parts: int, weighted: bool
) -> None:
    """With the same factor for each token, and with another for each, as in passes over several tasks."""
    states, labels, tables = material()
    labels, tables = labels % sum(ROWS[:parts]), tables[:parts]
    factors = torch.linspace(-0.3, 2.0, TOKENS) if weighted else torch.full((TOKENS,), 0.37)
    losses, nll = chunked_cross_entropy(states, labels, smoothing, tables)
    found = torch.autograd.grad((losses * factors).sum(), [states, *tables])
    exact = [each.detach().double().requires_grad_() for each in (states, *tables)]
    expected, plain = slow(exact[0], labels, exact[1:], smoothing)
    wanted = torch.autograd.grad((expected * factors.double()).sum(), exact)
    torch.testing.assert_close(losses.double(), expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(nll.double(), plain, rtol=1e-5, atol=1e-6)
    for one, two in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.double(), two, rtol=1e-4, atol=1e-5)
    assert not nll.requires_grad


@pytest.mark.parametrize("fixed", [0, 1, 2])
def test_what_is_held_fixed_gets_no_gradient(small_chunks: int, fixed: int) -> None:
    states, labels, tables = material()
    tensors = [states, *tables]
    tensors[fixed].requires_grad_(False)
    chunked_cross_entropy(states, labels, 0.1, tables)[0].sum().backward()
    given = [tensor.grad is not None for tensor in tensors]
    assert given == [place != fixed for place in range(3)]
    with Largest() as seen:
        losses, _ = chunked_cross_entropy(states.detach(), labels, 0.1, [table.detach() for table in tables])
    assert not losses.requires_grad
    assert seen.numbers == max(states.numel(), small_chunks)


def test_it_has_no_second_derivative(small_chunks: int) -> None:
    states, labels, tables = material()
    losses, _ = chunked_cross_entropy(states, labels, 0.1, tables)
    (gradient,) = torch.autograd.grad(losses.sum(), states, create_graph=True)
    with pytest.raises(RuntimeError, match=r"does not require grad|once_differentiable"):
        gradient.sum().backward()


def test_no_tensor_holds_all_scores(small_chunks: int) -> None:
    """Neither forward nor backward, where the plain form has tokens times vocabulary in several."""
    states, labels, tables = material()
    with Largest() as seen:
        chunked_cross_entropy(states, labels, 0.1, tables)[0].sum().backward()
    assert seen.numbers == max(states.numel(), small_chunks) < TOKENS * sum(ROWS)
    with Largest() as plain:
        F.cross_entropy(states @ torch.cat(tables).T, labels, label_smoothing=0.1).backward()
    assert plain.numbers == TOKENS * sum(ROWS)


def test_under_bf16_autocast_products_are_of_bf16_and_gradients_of_float32(small_chunks: int) -> None:
    states, labels, tables = material()
    exact = torch.autograd.grad(chunked_cross_entropy(states, labels, 0.1, tables)[0].sum(), [states, *tables])
    with torch.autocast("cpu", torch.bfloat16):
        losses, nll = chunked_cross_entropy(states, labels, 0.1, tables)
        plain = F.linear(states, torch.cat(tables)).float().log_softmax(1).gather(1, labels[:, None])[:, 0]
    assert (losses.dtype, nll.dtype) == (torch.float32, torch.float32)
    torch.testing.assert_close(nll, -plain)
    found = torch.autograd.grad(losses.sum(), [states, *tables])
    for one, two in zip(found, exact, strict=True):
        assert one.dtype == torch.float32
        assert ((one - two).norm() / two.norm()).item() < 0.03


def model_of() -> Any:
    config = M2M100(preset="tiny", encoder_layers=1, decoder_layers=1, width=16, heads=2, feed_forward=24)
    return config.build(VOCABULARY, (), 1).eval()


def gradients(model: Any, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("new_rows", [0, 3], ids=["tied", "new rows"])
def test_a_model_s_losses_and_gradients_are_those_of_its_logits(monkeypatch: pytest.MonkeyPatch, new_rows: int) -> None:
    """Of a batch, of a batch of two tasks and of sentences; the tied table's gradient is of both its uses."""
    model, batch = model_of(), make_batch(SOURCES, TARGETS, VOCABULARY, EN_AZ)
    if new_rows:
        split_table(model.network, new_rows)
    joined = join_batches([batch, batch], [0, 1], VOCABULARY.pad_id)
    found: list[Any] = []
    for scores in (2**26, 80):
        for module in (chunked, likelihood):
            monkeypatch.setattr(module, "SCORES_AT_ONCE", scores)
        loss, nll = batch_losses(model, batch, 0.1)
        sums, totals = joined_losses(model, joined, 0.1, 2)
        weighted = (sums * torch.tensor([0.3, 2.0])).sum()
        each = [nll, totals, sentence_losses(model, batch), gradients(model, loss), gradients(model, weighted)]
        found.append([loss.detach(), sums.detach(), *each])
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)
    assert "network.model.shared.old" not in found[0][-1]
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        nats = twice_differentiable_nll(model, batch)
        (first,) = torch.autograd.grad(nats, model.network.model.decoder.layers[0].fc1.bias, create_graph=True)
    assert first.requires_grad


def test_few_scores_are_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the border, logits are computed as a whole; one score more, and they are not."""
    batch, model = make_batch(SOURCES, TARGETS, VOCABULARY, EN_AZ), model_of()
    asked: list[Tensor] = []

    def note(self: Prediction) -> Tensor:
        asked.append(found := score_states(self.output, self.tables))
        return found

    monkeypatch.setattr(Prediction, "logits", property(note))
    for scores in (batch.tokens * VOCABULARY.size, batch.tokens * VOCABULARY.size - 1):
        monkeypatch.setattr(likelihood, "SCORES_AT_ONCE", scores)
        batch_losses(model, batch, 0.1)
    assert len(asked) == 1


def test_other_logits_take_the_place_of_states() -> None:
    said = model_of().predict(make_batch(SOURCES, TARGETS, VOCABULARY, EN_AZ))
    changed = said.with_logits(2 * said.logits)
    assert said.tables
    assert changed.tables == ()
    assert changed.logits.equal(2 * said.logits)
    assert changed.labels.equal(said.labels)


class Louder(Linear):
    """A layer that is more than its matrix."""

    def forward(self, states: Tensor) -> Tensor:
        return 2 * super().forward(states)


def test_a_layer_that_is_more_than_its_tables_has_none() -> None:
    plain: Module = Linear(3, 4, bias=False)
    assert [table.shape for table in list_tables(plain)] == [(4, 3)]
    head = SplitHead(Parameter(torch.zeros(4, 3)), Parameter(torch.ones(2, 3)))
    assert [len(table) for table in list_tables(head)] == [4, 2]
    assert list_tables(Linear(3, 4)) == ()
    assert list_tables(Louder(3, 4, bias=False)) == ()
    handle = plain.register_forward_hook(lambda module, inputs, found: found + 1)
    assert list_tables(plain) == ()
    handle.remove()
    plain.register_forward_pre_hook(lambda module, inputs: inputs)
    assert list_tables(plain) == ()


def test_a_hook_on_the_output_layer_is_heard(small_chunks: int) -> None:
    """Where something adds to the logits, the loss is computed from what it made of them."""
    model, batch = model_of(), make_batch(SOURCES, TARGETS, VOCABULARY, EN_AZ)
    quiet = batch_losses(model, batch, 0.1)[0].item()
    prior = torch.linspace(-1, 1, VOCABULARY.size)
    model.network.lm_head.register_forward_hook(lambda module, inputs, found: found + prior)
    said = model.predict(batch)
    assert said.tables == ()
    expected = F.cross_entropy(said.logits, said.labels, reduction="sum", label_smoothing=0.1).item()
    assert batch_losses(model, batch, 0.1)[0].item() == pytest.approx(expected, rel=1e-5)
    assert expected != pytest.approx(quiet, rel=1e-3)


@pytest.mark.parametrize("fixed", [None, 0, 1], ids=["both tables", "the second table", "the first table"])
def test_products_of_tokens_are_those_of_each_token_alone(small_chunks: int, fixed: int | None) -> None:
    """Of the tables' gradients with a vector, chunk by chunk, each token with its own factor."""
    states, labels, tables = material()
    factors = torch.rand(TOKENS, generator=torch.Generator().manual_seed(1))
    trained = [table.requires_grad_(place != fixed) for place, table in enumerate(tables)]
    trained = [table for table in trained if table.requires_grad]
    vector = {id(table): torch.randn_like(table) for table in trained}
    smoothed, _ = chunked_cross_entropy(states * 1.0, labels, 0.1, tables)
    loss = (factors * smoothed).sum()
    (use,) = find_uses([loss], trained)
    assert use.shape == (TOKENS,)
    loss.backward()
    found = use.multiply(vector)
    assert found is not None
    wide = [table.detach().double().requires_grad_(table.requires_grad) for table in tables]
    places = [place for place in range(2) if place != fixed]
    each = -score_states(states.double(), wide).log_softmax(1)
    mixed = 0.9 * each.gather(1, labels[:, None])[:, 0] + 0.1 * each.mean(1)
    for row in range(TOKENS):
        gradients = torch.autograd.grad(factors[row] * mixed[row], [wide[p] for p in places], retain_graph=True)
        wanted = sum((vector[id(tables[p])] * g).sum().item() for p, g in zip(places, gradients, strict=True))
        assert found[row].item() == pytest.approx(wanted, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("fixed", [None, 1], ids=["both tables", "the first table"])
def test_gradients_of_tasks_are_those_of_their_tokens_alone(
    small_chunks: int, fixed: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunk by chunk, of tokens in any order; the backward pass forms no table's gradient beside them."""
    states, labels, tables = material(torch.float64)
    owners = torch.arange(TOKENS) * 7 % 3
    trained = [table.requires_grad_(place != fixed) for place, table in enumerate(tables)]
    trained = [table for table in trained if table.requires_grad]
    weights = torch.linspace(0.5, 1.5, TOKENS)
    loss = (weights * chunked_cross_entropy(states.detach(), labels, 0.1, tables)[0]).sum()
    (use,) = find_uses([loss], trained, by_hooks=False)
    assert use.place is not None
    with Largest() as seen:
        (back,) = torch.autograd.grad(loss, [use.place], retain_graph=True)
    assert seen.numbers <= TOKENS
    found = TaskGradients(trained, 3)
    use.add(back, Stretches.of(owners), found)
    for task, row in enumerate(found.rows(trained)):
        wide = [table.detach().double().requires_grad_() for table in tables]
        mine = owners == task
        each = F.cross_entropy(
            score_states(states[mine].double(), wide), labels[mine], reduction="none", label_smoothing=0.1
        )
        wanted = torch.autograd.grad((weights[mine].double() * each).sum(), wide)
        kept = [gradient for place, gradient in enumerate(wanted) if place != fixed]
        torch.testing.assert_close([g.double() for g in row if g is not None], kept, rtol=1e-4, atol=1e-6)


def test_where_gradients_are_taken_from_rows_the_backward_pass_leaves_the_tables_out(small_chunks: int) -> None:
    states, labels, tables = material()
    looked_up = F.embedding(torch.arange(TOKENS), states)
    loss = chunked_cross_entropy(looked_up, labels, 0.1, tables)[0].sum()
    find_uses([loss], [*tables, states], by_hooks=False)
    (of_states,) = torch.autograd.grad(loss, [states], retain_graph=True)
    assert torch.autograd.grad(loss, tables, allow_unused=True) == (None, None)
    plain = chunked_cross_entropy(states * 1.0, labels, 0.1, tables)[0].sum()
    assert of_states.equal(torch.autograd.grad(plain, [states])[0])
