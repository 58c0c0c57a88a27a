"""Weights that never change."""

import pytest
import torch

from catscale import Fixed, TaskBalancer
from catscale.errors import ConfigError


def test_fixed_weights_fit_the_tasks() -> None:
    with pytest.raises(ConfigError, match="found 2 weights for 3 tasks"):
        Fixed(task_weights=[1.0, 2.0]).init(3)
    with pytest.raises(ConfigError, match="all weights are 0"):
        Fixed(task_weights=[0.0, 0.0]).init(2)


def test_weights_given_by_name_follow_the_order_of_the_tasks() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    balancer = TaskBalancer(Fixed(task_weights={"c": 3.0, "a": 0.0}), tasks=["a", "b", "c"], parameters=[parameter])
    assert balancer.weights == {"a": 0.0, "b": 1.0, "c": 3.0}
    with pytest.raises(ConfigError, match=r"task_weights names d; the tasks are a, b"):
        TaskBalancer(Fixed(task_weights={"d": 1.0}), tasks=["a", "b"], parameters=[parameter])


def test_a_step_of_some_tasks_takes_their_own_weights() -> None:
    parameter = torch.nn.Parameter(torch.ones(1))
    balancer = TaskBalancer(Fixed(task_weights=[2.0, 3.0, 5.0]), tasks=["a", "b", "c"], parameters=[parameter])
    step = balancer.backward({"c": lambda: parameter.sum(), "a": lambda: 10 * parameter.sum()})
    assert step.weights == {"c": 5.0, "a": 2.0}
    assert parameter.grad.item() == 25
