"""Losses whose gradients are given are measured and combined as any others."""

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from catscale.balancing import METHODS, TaskBalancer
from catscale.balancing.engine.given import given_loss


@pytest.mark.parametrize("name", ["fixed", "cats", "mgda", "gradnorm"])
def test_a_balancer_takes_them_for_the_losses_that_they_are_of(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    rows = torch.randn(2, 5, generator=generator, dtype=torch.float64)

    def step(is_given: bool) -> tuple[Tensor | None, Tensor | None, dict[str, float], dict[str, float]]:
        one, two = Parameter(torch.ones(3, dtype=torch.float64)), Parameter(torch.ones(2, dtype=torch.float64))

        def loss(row: Tensor) -> Tensor:
            if is_given:
                return given_loss(row.sum().item(), [row[:3], row[3:]], [one, two])
            return row[:3] @ one + row[3:] @ two

        balancer = TaskBalancer(METHODS[name](), ["a", "b"], [one, two])
        found = balancer.backward({"a": lambda: loss(rows[0]), "b": lambda: loss(rows[1])})
        return one.grad, two.grad, found.losses, balancer.weights

    given, computed = step(True), step(False)
    for one, two in zip(given[:2], computed[:2], strict=True):
        torch.testing.assert_close(one, two)
    assert given[2] == pytest.approx(computed[2])
    assert given[3] == pytest.approx(computed[3], nan_ok=True)


def test_a_vector_that_is_none_is_zero_and_none_is_changed() -> None:
    theta, other, vector = Parameter(torch.ones(2)), Parameter(torch.ones(1)), torch.tensor([1.0, -2.0])
    loss = given_loss(0.25, [vector, None], [theta, other])
    torch.autograd.backward(loss * 3)
    assert (loss.item(), loss.shape, other.grad) == (0.25, torch.Size([]), None)
    assert theta.grad is not None
    assert theta.grad.tolist() == [3, -6]
    assert vector.tolist() == [1, -2]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_loss_is_of_the_parameters_type(dtype: torch.dtype) -> None:
    theta = Parameter(torch.ones(2, dtype=dtype))
    loss = given_loss(0.5, [torch.tensor([1.0, 2.0], dtype=dtype)], [theta])
    assert (loss.dtype, loss.requires_grad, loss.item()) == (dtype, True, 0.5)
    (found,) = torch.autograd.grad(loss, [theta])
    assert (found.dtype, found.tolist()) == (dtype, [1, 2])


def test_weighted_sums_of_them_have_the_weighted_sum_of_the_vectors() -> None:
    """w_1 a + w_2 b by hand, through a factor that is squared: d(l²) = 2 l g."""
    theta = Parameter(torch.zeros(2, dtype=torch.float64))
    a, b = torch.tensor([1.0, -2.0]).double(), torch.tensor([0.5, 4.0]).double()
    one, two = given_loss(3.0, [a], [theta]), given_loss(-1.0, [b], [theta])
    (found,) = torch.autograd.grad(0.25 * one + two.square(), [theta])
    assert found.tolist() == [0.25 * 1 - 2 * 0.5, 0.25 * -2 - 2 * 4]
