"""The quadratic program on the simplex with a floor: enumeration, optimality conditions, degenerate floors."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from catscale.balancing.methods.simplex import minimise_on_simplex


def problem(size: int, stiffness: float, seed: int, rank: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """M = I + stiffness · G with G of some rank, b, and a point of the simplex."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(size, rank or size + 1, generator=generator, dtype=torch.float64)
    matrix = torch.eye(size, dtype=torch.float64) + stiffness * rows @ rows.T
    right = 10 ** (4 * torch.rand((), generator=generator, dtype=torch.float64) - 2) * torch.randn(
        size, generator=generator, dtype=torch.float64
    )
    start = torch.rand(size, generator=generator, dtype=torch.float64) + 0.01
    return matrix, right, start / start.sum()


def lift(start: Tensor, floor: float) -> Tensor:
    """A point of the simplex with the floor."""
    return floor + start * (1 - floor * len(start))


def assert_optimal(matrix: Tensor, right: Tensor, floor: float, x: Tensor) -> None:
    """x is feasible; M x − b equals some μ where x is free, and is no less where the floor holds it."""
    assert x.sum().item() == pytest.approx(1, abs=1e-12)
    assert (x >= floor - 1e-15).all()
    gradient = matrix @ x - right
    tolerance = 1e-10 * (1 + right.abs().max() + matrix.abs().max())
    free = x > floor + 1e-9 / len(x)
    level = gradient[free].mean() if free.any() else gradient.min()
    assert (gradient[free] - level).abs().max() <= tolerance if free.any() else True
    assert (gradient[~free] >= level - tolerance).all()


def enumerate_faces(matrix: Tensor, right: Tensor, floor: float) -> Tensor:
    """The best of the feasible minima over all faces."""
    size, best, least = len(right), torch.empty(0), float("inf")
    for held in itertools.product([False, True], repeat=size):
        free = ~torch.tensor(held)
        count = int(free.sum())
        if not count:
            continue
        x = torch.full_like(right, floor)
        # the conditions of the face as one linear system in (x_free, −μ)
        system = torch.zeros(count + 1, count + 1, dtype=torch.float64)
        system[:count, :count], system[:count, count], system[count, :count] = matrix[free][:, free], -1, 1
        side = torch.zeros(count + 1, dtype=torch.float64)
        side[:count] = right[free] - matrix[free][:, ~free] @ x[~free]
        side[count] = 1 - floor * (size - count)
        x[free] = torch.linalg.solve(system, side)[:count]
        value = (x @ matrix @ x / 2 - right @ x).item()
        if (x >= floor - 1e-12).all() and value < least:
            best, least = x, value
    return best


@pytest.mark.parametrize("floor", [0.0, 0.03])
@pytest.mark.parametrize("seed", range(12))
def test_the_minimum_is_the_one_that_enumeration_finds(seed: int, floor: float) -> None:
    for size in range(1, 7):
        matrix, right, start = problem(size, 30.0, 100 * seed + size)
        found = minimise_on_simplex(matrix, right, floor, lift(start, floor))
        torch.testing.assert_close(found, enumerate_faces(matrix, right, floor), rtol=1e-8, atol=1e-10)


@settings(max_examples=120, deadline=None)
@given(
    size=st.integers(1, 24),
    exponent=st.integers(-6, 9),
    rank=st.sampled_from([None, 1, 2]),
    share=st.sampled_from([0.0, 1e-6, 0.01, 0.5, 0.99]),
    seed=st.integers(0, 2**20),
)
def test_optimality_conditions(size: int, exponent: int, rank: int | None, share: float, seed: int) -> None:
    """The floor is a share of 1/K."""
    matrix, right, start = problem(size, 10.0**exponent, seed, rank)
    floor = share / size
    assert_optimal(matrix, right, floor, minimise_on_simplex(matrix, right, floor, lift(start, floor)))


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("stiffness", [1e-3, 1.0, 1e9])
@pytest.mark.parametrize("share", [0.0, 0.1])
def test_many_tasks(size: int, stiffness: float, share: float) -> None:
    matrix, right, start = problem(size, stiffness / size, size, 8)
    floor = share / size
    assert_optimal(matrix, right, floor, minimise_on_simplex(matrix, right, floor, lift(start, floor)))


@pytest.mark.parametrize("corner", [0, 3])
def test_a_corner_is_left(corner: int) -> None:
    """From all weight on one variable, all others at the floor."""
    matrix, right, start = problem(5, 20.0, 4)
    for floor in (0.0, 0.02):
        start = torch.full((5,), floor, dtype=torch.float64)
        start[corner] = 1 - 4 * floor
        found = minimise_on_simplex(matrix, right, floor, start)
        torch.testing.assert_close(found, enumerate_faces(matrix, right, floor), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10, 128])
def test_a_floor_of_one_share_leaves_one_point(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no search for it: rounding would have it go round in circles."""
    matrix, right, _ = problem(size, 5.0, size)
    monkeypatch.setattr("catscale.balancing.methods.simplex._minimise_free", lambda *_: pytest.fail("searched"))
    start = torch.full((size,), 1 / size, dtype=torch.float64)
    found = minimise_on_simplex(matrix, right, 1 / size, start)
    torch.testing.assert_close(found, start, rtol=1e-15, atol=0)


def test_the_sum_is_that_of_the_start() -> None:
    matrix, right, start = problem(6, 1e8, 3, 2)
    for total in (0.05, 7.0):
        found = minimise_on_simplex(matrix, right, 0.001, total * lift(start, 0.001 / total))
        assert found.sum().item() == pytest.approx(total, rel=1e-13)


@pytest.mark.parametrize("seed", range(10))
def test_a_stiff_problem_keeps_its_sum(seed: int) -> None:
    """The linear system loses digits; the constraint must not."""
    for floor in (0.0, 1e-3):
        matrix, right, start = problem(8, 1e9, seed, 3)
        found = minimise_on_simplex(matrix, 1e6 * right, floor, lift(start, floor))
        assert abs(found.sum().item() - 1) < 1e-14
        assert (found >= floor).all()
