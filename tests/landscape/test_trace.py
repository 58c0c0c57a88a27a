"""Hutchinson's estimate against the dense trace."""

import math

import numpy as np
import pytest
import torch

from catscale.landscape.hessian import Hessian
from catscale.landscape.trace import mean_and_error, quadratic_forms
from tests.landscape.networks import dense_hessian, network


def test_the_trace_of_a_network_and_of_its_groups():
    model, losses = network()
    parameters = list(model.parameters())
    dense = dense_hessian(losses, parameters)
    table = quadratic_forms(Hessian(losses, parameters), 400, np.random.default_rng(0))
    assert table.shape == (400, len(parameters))
    trace, error = mean_and_error(table.sum(1))
    assert abs(trace - dense.trace().item()) < 3.5 * error
    off = dense - dense.diag().diag()
    deviation = math.sqrt(2 * off.square().sum().item())  # of one sample, by the formula
    assert error == pytest.approx(deviation / math.sqrt(400), rel=0.15)
    ends = np.cumsum([0, *(p.numel() for p in parameters)])
    for column in range(len(parameters)):
        block = dense[ends[column] : ends[column + 1], ends[column] : ends[column + 1]]
        trace, error = mean_and_error(table[:, column])
        assert abs(trace - block.trace().item()) < 3.5 * error


def test_a_diagonal_hessian_is_exact():
    theta, scale = torch.nn.Parameter(torch.ones(4)), torch.tensor([1.0, -2.0, 3.0, 10.0])
    table = quadratic_forms(Hessian([lambda: (scale * theta**2).sum() / 2], [theta]), 3, np.random.default_rng(0))
    assert table.tolist() == [[12.0]] * 3
    assert mean_and_error(table.sum(1)) == (12.0, 0.0)


def test_few_samples():
    mean, error = mean_and_error(np.array([2.0]))
    assert mean == 2
    assert math.isnan(error)
    assert all(math.isnan(value) for value in mean_and_error(np.empty(0)))
    assert mean_and_error(np.array([1.0, 2.0, 6.0])) == pytest.approx((3, math.sqrt(7 / 3)))
