"""Rows in stretches of one task each, and gradients added up by task, by hand."""

import pytest
import torch
from torch import Tensor

from catscale.balancing.engine.task_gradients import Stretches, TaskGradients

SORTED, MIXED = torch.tensor([0, 0, 2, 2, 2]), torch.tensor([2, 0, 2, 0, 2])


@pytest.mark.parametrize("owners", [SORTED, MIXED], ids=["together", "in any order"])
@pytest.mark.parametrize("each", [1, 3], ids=["a row each", "three rows each"])
def test_rows_by_task(owners: Tensor, each: int) -> None:
    rows = torch.arange(5.0 * each * 2).view(5 * each, 2)
    stretches = Stretches.of(owners)
    assert list(stretches.tasks) == [0, 2]
    first, second = stretches.split(rows)
    whose = owners.repeat_interleave(each)
    assert first.equal(rows[whose == 0])
    assert second.equal(rows[whose == 2])
    sums = stretches.sum(rows, 4)
    assert sums.shape == (4, 2)
    for task in range(4):
        assert sums[task].equal(rows[whose == task].sum(0))


def test_rows_that_lie_together_are_not_copied() -> None:
    rows = torch.zeros(5, 2)
    assert all(part.data_ptr() >= rows.data_ptr() for part in Stretches.of(SORTED).split(rows))
    assert Stretches.of(SORTED).order is None
    assert Stretches.of(MIXED).order is not None


def test_half_precision_is_summed_in_float32() -> None:
    rows = torch.ones(4000, 1, dtype=torch.bfloat16)
    found = Stretches.of(torch.zeros(2, dtype=torch.int64)).sum(rows, 1)
    assert found.dtype == torch.float32
    assert found.item() == 4000.0  # bfloat16 has nothing between 256 and 258


def test_what_is_found_is_added_up_and_handed_over_once() -> None:
    matrix, vector, table, unused = (torch.zeros(shape) for shape in ((2, 3), (3,), (4, 2), (1,)))
    every = [matrix, vector, table, unused]
    found = TaskGradients(every, 3)
    left, right = torch.randn(5, 2), torch.randn(5, 3)
    for factor in (1.0, 2.0):
        found.add_product(id(matrix), 1, factor * left, right)
        found.add_vectors(id(vector), factor * right, Stretches.of(MIXED))
        found.add_rows(id(table), 0, torch.tensor([3, 1, 3]), factor * left[:3])
    found.add_vectors(0, right, Stretches.of(MIXED))  # of a vector that is not compared
    rows = found.rows(every)
    assert [[gradient is not None for gradient in row] for row in rows] == [
        [False, True, True, False],
        [True, False, False, False],
        [False, True, False, False],
    ]
    (_, first, looked_up, _), (product, *_), (_, last, *_) = rows
    torch.testing.assert_close(product, 3 * left.T @ right)
    torch.testing.assert_close(first, 3 * (right[1] + right[3]))
    torch.testing.assert_close(last, 3 * (right[0] + right[2] + right[4]))
    assert looked_up is not None
    torch.testing.assert_close(looked_up[3], 3 * (left[0] + left[2]))
    torch.testing.assert_close(looked_up[1], 3 * left[1])
    assert not looked_up[[0, 2]].any()
    assert found.rows(every) == [[None] * 4] * 3


def test_gradients_are_of_the_type_of_their_parameters() -> None:
    matrix, vector, table = torch.zeros(2, 3), torch.zeros(3), torch.zeros(4, 2)
    found = TaskGradients([matrix, vector, table], 1)
    left, right = torch.randn(5, 2).bfloat16(), torch.randn(5, 3).bfloat16()
    for _ in range(2):
        found.add_product(id(matrix), 0, left, right)
        found.add_vectors(id(vector), right, Stretches.of(torch.zeros(5, dtype=torch.int64)))
        found.add_rows(id(table), 0, torch.tensor([0, 1, 2, 3, 0]), left)
    ((one, two, three),) = found.rows([matrix, vector, table])
    assert one is not None
    assert two is not None
    assert three is not None
    assert {one.dtype, two.dtype, three.dtype} == {torch.float32}
    torch.testing.assert_close(one, 2 * (left.T @ right).float())


def test_owners_and_order_go_to_a_device_once() -> None:
    stretches, there = Stretches.of(torch.tensor([1, 0, 1])), torch.device("meta")
    first, second = stretches._on(there), stretches._on(there)
    assert all(one is not None and one is two and one.is_meta for one, two in zip(first, second, strict=True))
