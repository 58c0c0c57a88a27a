"""Weights that never change."""

from typing import Any

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


SIZES = {"en-az": 100, "en-fr": 10_000}


@pytest.mark.parametrize(
    ("temperature", "losses", "expected"),
    [
        (1.0, None, [1 / 101, 100 / 101]),
        (2.0, None, [1 / 11, 10 / 11]),
        (2.0, "tokens", [2 / 11, 20 / 11]),
        (1e6, "tasks", [0.5, 0.5]),
    ],
)
def test_weights_by_the_sizes_of_the_data(temperature: float, losses: Any, expected: list[float]) -> None:
    given = {} if losses is None else {"losses": losses}
    method = Fixed.model_validate({"temperature": temperature, **given}).for_data(SIZES)
    assert method.losses == (losses or "tasks")
    assert method.bind(list(SIZES), []).init(2).values.tolist() == pytest.approx(expected, rel=1e-5)


def test_without_a_temperature_the_data_change_nothing() -> None:
    assert Fixed(task_weights={"en-az": 2.0}).for_data(SIZES) == Fixed(task_weights={"en-az": 2.0})
    assert Fixed().losses == "tokens"


def test_a_temperature_needs_the_sizes() -> None:
    with pytest.raises(ConfigError, match="weighs tasks by the sizes of their data, which are not known here"):
        Fixed(temperature=1.0).bind(list(SIZES), [])


def test_one_weighting_at_a_time() -> None:
    with pytest.raises(ConfigError, match="temperature and task_weights are two ways to weigh the tasks"):
        Fixed(temperature=1.0, task_weights=[1.0, 2.0])
