"""Parameters are moved inside a block alone, whatever happens in it."""

import pytest
import torch
from torch import Tensor
from torch.nn import Parameter

from catscale.optimisation.moved import moved


def make_parameters() -> list[Parameter]:
    generator = torch.Generator().manual_seed(5)
    return [Parameter(torch.randn(4, generator=generator)), Parameter(torch.randn(2, 3, generator=generator))]


def test_inside_each_is_at_theta_plus_its_scaled_step() -> None:
    parameters = make_parameters()
    before = [parameter.detach().clone().double() for parameter in parameters]
    steps: list[Tensor | None] = [torch.arange(4.0), None]
    with moved(parameters, steps, -0.5):
        expected = before[0] - 0.5 * torch.arange(4.0).double()
        torch.testing.assert_close(parameters[0].detach().double(), expected, rtol=0, atol=1e-6)
        assert torch.equal(parameters[1].detach().double(), before[1])


def test_a_step_that_swallows_the_parameters_is_undone_bit_for_bit() -> None:
    """In float32 θ + 1e9 − 1e9 is not θ."""
    parameters = make_parameters()
    before = [parameter.detach().clone() for parameter in parameters]
    with moved(parameters, [torch.ones(4), torch.ones(2, 3)], 1e9):
        pass
    assert not torch.equal(before[0] + 1e9 - 1e9, before[0])
    assert all(torch.equal(p.detach(), b) for p, b in zip(parameters, before, strict=True))


def test_what_the_block_does_to_the_parameters_is_undone_too() -> None:
    (parameter, _) = parameters = make_parameters()
    before = parameter.detach().clone()
    with moved(parameters, [torch.ones(4), None], float("inf")), torch.no_grad():
        parameter.zero_()
    assert torch.equal(parameter.detach(), before)


def test_an_error_inside_goes_through_and_the_point_is_restored() -> None:
    parameters = make_parameters()
    before = [parameter.detach().clone() for parameter in parameters]
    with pytest.raises(KeyError, match="inside"), moved(parameters, [torch.ones(4), torch.ones(2, 3)], 0.1):
        raise KeyError("inside")
    assert all(torch.equal(p.detach(), b) for p, b in zip(parameters, before, strict=True))


def test_blocks_in_one_another_go_back_one_by_one() -> None:
    theta = Parameter(torch.tensor([0.25, 0.5]))
    with moved([theta], [torch.ones(2)], 1.0):
        with moved([theta], [torch.ones(2)], 2.0):
            assert theta.tolist() == [3.25, 3.5]
        assert theta.tolist() == [1.25, 1.5]
    assert theta.tolist() == [0.25, 0.5]


def test_the_same_tensors_stay_with_their_gradients_and_no_graph() -> None:
    theta = Parameter(torch.ones(2))
    theta.grad, place = torch.tensor([1.0, 2.0]), theta.data_ptr()
    with moved([theta], [theta.grad], 0.5):
        assert theta.tolist() == [1.5, 2]
        theta.grad = theta.grad * 3
    assert theta.is_leaf
    assert (theta.data_ptr(), theta.requires_grad) == (place, True)
    assert theta.grad.tolist() == [3, 6]


def test_steps_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"), moved(make_parameters(), [torch.ones(4)], 1.0):
        pass
