"""Losses, norms and a report are read in one copy; norms are those that PyTorch finds."""

import math
from collections.abc import Iterable

import pytest
import torch
from benchmarks.counts import StepCounts, count_step
from torch import Tensor
from torch.nn import Parameter

from catscale.balancing import CATS, TaskBalancer
from catscale.balancing.contract import Method
from catscale.balancing.engine.ranks import Ranks
from catscale.balancing.engine.reading import GradientNorms, have_finite_parts, read_numbers
from catscale.balancing.methods.famo import FAMO
from catscale.balancing.methods.fixed import Fixed
from catscale.balancing.methods.mgda import MGDA
from catscale.errors import DivergedError


def parameters_of(*gradients: list[float] | None, dtype: torch.dtype = torch.float32) -> list[Parameter]:
    found = []
    for gradient in gradients:
        found.append(Parameter(torch.zeros(len(gradient or [0]), dtype=dtype)))
        found[-1].grad = None if gradient is None else torch.tensor(gradient, dtype=dtype)
    return found


def norm_over(norms: GradientNorms | None, tensors: Iterable[Tensor]) -> Tensor:
    assert norms is not None
    found = norms.over(tensors)
    assert found is not None
    return found


def test_norms_over_any_of_the_gradients_are_those_of_pytorch_bit_for_bit() -> None:
    torch.manual_seed(1)
    found = parameters_of(*[torch.randn(size).tolist() for size in (7, 300, 1, 40)], None)
    norms = GradientNorms(found)
    for chosen in (found, found[::-1], found[1:3]):
        expected = torch.nn.utils.get_total_norm([p.grad for p in chosen if p.grad is not None])
        assert norm_over(norms, chosen).equal(expected)
    assert norm_over(norms, found).equal(norms.total)


def test_norms_are_not_known_of_others_of_none_and_of_mixed_types() -> None:
    found = parameters_of([3.0, 4.0])
    assert GradientNorms(found).over(parameters_of([1.0])) is None
    assert GradientNorms(found).over(parameters_of(None)) is None
    mixed = [*found, *parameters_of([12.0], dtype=torch.float64)]
    assert GradientNorms(mixed).over(mixed) is None
    assert GradientNorms(mixed).total.item() == 13
    assert GradientNorms(parameters_of(None)).total.item() == 0


def test_what_is_read_together() -> None:
    found = parameters_of([3.0, 4.0])
    numbers = read_numbers(torch.tensor([1.0, 2.0], dtype=torch.float64), found, Ranks(found), lambda: torch.ones(3))
    assert numbers.values.tolist() == [1, 2]
    assert numbers.report == [1, 1, 1]
    assert numbers.norms is not None
    assert read_numbers(torch.ones(1), found, Ranks(found), None).report == []


@pytest.mark.parametrize(("gradient", "are_finite"), [([math.nan], False), ([math.inf], False), ([1e30, 1e30], True)])
def test_a_sum_of_squares_that_is_not_finite_leaves_no_norms(gradient: list[float], are_finite: bool) -> None:
    found = parameters_of([1.0], gradient)
    assert read_numbers(torch.ones(1), found, Ranks(found), None).norms is None
    assert have_finite_parts(found) == are_finite


def step_of(method: Method, value: float = 1.0) -> StepCounts:
    """Take a step of two tasks, and count it."""
    theta, report = torch.nn.Linear(3, 1, bias=False), []
    balancer = TaskBalancer(method, ["a", "b"], theta.parameters())
    data = torch.tensor([[1.0, 2.0, 3.0], [3.0, 0.5, 1.0]])

    def loss(place: int) -> Tensor:
        return (theta(data[place]) - 1).square().sum() * value

    def step() -> None:
        losses = {"a": lambda: loss(0), "b": lambda: loss(1)}
        report.append(balancer.backward(losses, report=lambda: theta.weight.detach().sum(1)))

    counts = count_step(theta, step)
    assert theta.weight.grad is not None
    assert report[0].report == pytest.approx([theta.weight.sum().item()])
    assert norm_over(report[0].norms, theta.parameters()).equal(torch.nn.utils.get_total_norm([theta.weight.grad]))
    return counts


@pytest.mark.parametrize(("method", "waits"), [(Fixed(), 1), (FAMO(), 1), (CATS(inner_steps=2), 1), (MGDA(), 3)])
def test_how_often_a_step_waits(method: Method, waits: int) -> None:
    assert step_of(method).synchronisations == waits  # of MGDA, and of all that look at a Gram matrix


def test_a_gradient_that_is_not_finite_is_found_as_before() -> None:
    with pytest.raises(DivergedError, match="the loss of task 'a' must be finite, found nan"):
        step_of(Fixed(), math.nan)
