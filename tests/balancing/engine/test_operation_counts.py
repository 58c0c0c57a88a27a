"""The operations that are started to measure and to combine, which on a GPU are what these cost: counts, not times."""

from typing import Any

import pytest
import torch
from benchmarks.counts import StepCounts
from torch import Tensor, nn

from catscale import CATS, TaskBalancer
from catscale.balancing.engine import gramian as kernels
from catscale.balancing.engine.gramian import BUFFER, LARGE_BUFFER, block_numbers, gramian, products_there
from tests.balancing.engine.spies import spy

PARAMETERS = 40


def rows(tasks: int, size: int = 300) -> list[list[Tensor | None]]:
    generator = torch.Generator().manual_seed(0)
    return [[torch.randn(size, generator=generator) for _ in range(PARAMETERS)] for _ in range(tasks)]


@pytest.mark.parametrize("tasks", [8, 58])
def test_a_gram_matrix_in_large_blocks_is_a_handful_of_operations(monkeypatch: pytest.MonkeyPatch, tasks: int) -> None:
    """One block; the number grows neither with the tasks nor with the parameters, and nothing waits but the last."""
    given = rows(tasks)
    exact = torch.stack([torch.cat([part for part in row if part is not None]) for row in given]).double()
    monkeypatch.setattr(kernels, "BUFFER", LARGE_BUFFER)
    monkeypatch.setattr(kernels, "STRIPE", tasks)  # as on other devices than a CPU
    with StepCounts(tensor for row in given for tensor in row if tensor is not None) as count:
        found = gramian(given)
    torch.testing.assert_close(found, exact @ exact.T, rtol=1e-6, atol=1e-3)
    assert count.launches["cat"] == count.launches["bmm"] == 1
    assert count.operations <= 10, count.launches
    assert count.synchronisations == 1, count.waits


def test_a_block_of_a_cpu_fits_a_cache_and_that_of_other_devices_is_large() -> None:
    assert block_numbers(torch.device("cpu")) == BUFFER
    assert block_numbers(torch.device("cuda")) == block_numbers(torch.device("meta")) == LARGE_BUFFER


def test_products_of_nothing_are_zero() -> None:
    assert products_there([[None], [None]], [None]).tolist() == [[0.0, 0.0], [0.0, 0.0]]


class Layers(nn.Module):
    """Many parameters, each with a gradient."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.each = nn.ParameterList(torch.randn(300, generator=generator) for _ in range(PARAMETERS))

    def forward(self, factor: float) -> Tensor:
        return torch.stack([(factor * each).tanh().sum() for each in self.each]).sum()


def step(method: Any, tasks: int, low_memory: bool = False, parts: int = 1) -> tuple[Layers, StepCounts]:
    """Take a step whose own operations, forward and backward, are not counted apart."""
    model, names = Layers(), [str(n) for n in range(tasks)]
    made = TaskBalancer(method, names, model.parameters(), low_memory=low_memory)
    losses = {
        n: [lambda f=0.1 * place + 0.3 * part: model(f) for part in range(parts)] for place, n in enumerate(names)
    }
    with StepCounts(model.parameters()) as count:
        made.backward(losses)
    return model, count


@pytest.mark.parametrize("tasks", [8, 58])
def test_gradients_are_combined_by_one_operation_for_all_parameters(tasks: int) -> None:
    _, count = step(CATS(inner_steps=1), tasks)
    assert count.launches["_foreach_add_"] == tasks - 1
    assert count.launches["_foreach_mul_"] <= tasks
    stripes = -(-tasks // kernels.STRIPE)
    assert count.launches["bmm"] <= stripes * (1 + PARAMETERS * 300 * tasks // BUFFER)


def test_products_keep_the_rows_that_they_are_measured_with() -> None:
    """The combined gradient is another tensor than the first task's, which is multiplied with it."""
    method = spy("products", weights=[0.5, 2.0])
    model, _ = step(method, 2)
    twins = [Layers(), Layers()]
    for place, twin in enumerate(twins):
        twin(0.1 * place).backward()
    one, two = (torch.cat([p.grad for p in twin.parameters() if p.grad is not None]).double() for twin in twins)
    found = torch.cat([p.grad for p in model.parameters() if p.grad is not None]).double()
    torch.testing.assert_close(found, 0.5 * one + 2 * two, rtol=1e-5, atol=1e-6)
    expected = torch.stack([one @ (0.5 * one + 2 * two), two @ (0.5 * one + 2 * two)])
    torch.testing.assert_close(method.seen[0].products, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("block", [BUFFER, 700])
def test_the_second_pass_multiplies_block_by_block(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """All parameters at once where a block holds them; the products are the same whatever it holds."""
    monkeypatch.setattr(kernels, "BUFFER", block)
    method = spy("products", weights=[0.5, 2.0, 1.0])
    model, count = step(method, 3, low_memory=True, parts=2)
    monkeypatch.undo()
    held = spy("products", weights=[0.5, 2.0, 1.0])
    other, _ = step(held, 3, parts=2)
    torch.testing.assert_close(method.seen[0].products, held.seen[0].products, rtol=1e-5, atol=1e-4)
    for found, expected in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad)
    if block == BUFFER:
        assert count.launches["bmm"] == 3
