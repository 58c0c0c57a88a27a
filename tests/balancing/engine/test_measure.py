"""Gradients that are measured on other losses than the step's."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from catscale.balancing import CATS, METHODS, TaskBalancer
from catscale.errors import ConfigError, DivergedError

Losses = dict[str, list[Callable[[], Tensor]]]
TASKS = ("a", "b", "c")


class Problem:
    """Linear losses of a vector, whose gradients are given rows; a bias of its own is no shared parameter."""

    def __init__(self) -> None:
        self.theta = torch.nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))
        self.bias = torch.nn.Parameter(torch.tensor(0.3, dtype=torch.float64))
        self.module = torch.nn.Module()
        self.module.theta, self.module.bias = self.theta, self.bias

    def losses(self, rows: dict[str, list[list[float]]]) -> Losses:
        """Return functions whose gradients are the rows, a part for each."""
        return {task: [self._part(row) for row in found] for task, found in rows.items()}

    def _part(self, row: list[float]) -> Callable[[], Tensor]:
        vector = torch.tensor(row, dtype=torch.float64)
        return lambda: (self.theta * vector).sum() + self.bias

    def balancer(self, method: Any, **settings: Any) -> TaskBalancer:
        return TaskBalancer(method, TASKS, [self.theta], module=self.module, **settings)


MEASURED = {"a": [[1.0, 0, 0], [3.0, 0, 0]], "b": [[0, 1.0, 0], [0, 0, 1.0]], "c": [[2.0, 2.0, 1.0], [2.0, 1.0, 2.0]]}
STEP = {"a": [[0, 0, 1.0]], "b": [[5.0, 0, 0]], "c": [[0, 7.0, 0]]}


@pytest.mark.parametrize("settings", [{}, {"statistics": "products"}, {"smoothing": 0.5, "unbiased": True}])
def test_the_state_moves_by_what_was_measured_and_the_gradient_is_the_step_s(settings: dict[str, Any]) -> None:
    problem, method = Problem(), CATS(inner_steps=1, alpha_lr=0.3, **settings)
    expected, balancer = problem.balancer(method), problem.balancer(method)
    expected.backward(problem.losses(MEASURED))
    problem.theta.grad = problem.bias.grad = None
    step = balancer.backward(problem.losses(STEP), measured=balancer.measure(problem.losses(MEASURED)))
    assert balancer.weights == expected.weights
    assert len(set(balancer.weights.values())) == 3
    assert problem.theta.grad is not None
    assert problem.theta.grad.tolist() == pytest.approx([5 / 3, 7 / 3, 1 / 3])  # the equal weights of before
    assert step.losses["b"] == pytest.approx(5.3)


def test_weights_that_follow_from_the_measurement_are_of_this_step() -> None:
    problem = Problem()
    balancer = problem.balancer(METHODS["mgda"]())
    expected = problem.balancer(METHODS["mgda"]()).backward(problem.losses(MEASURED)).weights
    problem.theta.grad = problem.bias.grad = None
    measured = balancer.measure(problem.losses(MEASURED))
    some = {task: STEP[task] for task in ("c", "a")}
    step = balancer.backward(problem.losses(some), measured=measured)
    assert step.weights == {"c": expected["c"], "a": expected["a"]}
    assert problem.theta.grad is not None
    assert problem.theta.grad.tolist() == pytest.approx([0, 7 * expected["c"], expected["a"]])


@pytest.mark.parametrize("low_memory", [False, True])
def test_measuring_leaves_gradients_as_they_are(low_memory: bool) -> None:
    problem = Problem()
    balancer = problem.balancer(CATS(inner_steps=1, statistics="products"), low_memory=low_memory)
    balancer.measure(problem.losses(MEASURED))
    assert (problem.theta.grad, problem.bias.grad) == (None, None)
    problem.theta.grad, problem.bias.grad = torch.full((3,), 7.0, dtype=torch.float64), torch.tensor(8.0).double()
    found = balancer.measure(problem.losses(MEASURED))
    assert (problem.theta.grad.tolist(), problem.bias.grad.item()) == ([7.0] * 3, 8.0)
    products = found.measured.signals.products
    assert products is not None
    combined = torch.tensor([4.0 + 4.0, 1.0 + 3.0, 1.0 + 3.0], dtype=torch.float64) / 3
    rows = torch.tensor([[4.0, 0, 0], [0, 1.0, 1.0], [4.0, 3.0, 3.0]], dtype=torch.float64)
    assert products.tolist() == pytest.approx((rows @ combined).tolist())


def test_signal_to_noise_is_of_the_halves() -> None:
    """Of two halves g¹ and g²: 4 ⟨g¹, g²⟩ of ‖g‖² is signal, the rest, ‖g¹ − g²‖², noise."""
    problem = Problem()
    balancer = problem.balancer(CATS(inner_steps=1))
    alone = {**MEASURED, "b": [[0, 1.0, 1.0]]}
    step = balancer.backward(problem.losses(STEP), measured=balancer.measure(problem.losses(alone)))
    assert step.signal_to_noise == pytest.approx({"a": 12 / 4, "c": 32 / 2})
    assert step.gradient_norms == pytest.approx({"a": 4.0, "b": 2**0.5, "c": 34**0.5})
    assert problem.balancer(CATS(inner_steps=1)).backward(problem.losses(MEASURED)).signal_to_noise is None


def test_what_cannot_be_measured_apart() -> None:
    problem = Problem()
    with pytest.raises(ConfigError, match="found that cats asks for nothing; look at TaskBalancer"):
        problem.balancer(CATS(inner_steps=2)).measure(problem.losses(MEASURED))
    groups = {"theta": [problem.theta]}
    balancer = TaskBalancer(METHODS["mgda"](granularity="groups"), TASKS, [problem.theta], groups=groups)
    with pytest.raises(ConfigError, match="asks for a Gram matrix of each group of parameters"):
        balancer.measure(problem.losses(MEASURED))
    balancer = problem.balancer(METHODS["mgda"]())
    measured = balancer.measure(problem.losses({"a": MEASURED["a"]}))
    with pytest.raises(ConfigError, match="must hold all tasks of the step, found no b, c; measure these too"):
        balancer.backward(problem.losses(STEP), measured=measured)


def test_a_measurement_that_is_not_finite_moves_nothing() -> None:
    problem = Problem()
    balancer = problem.balancer(CATS(inner_steps=1))
    weights = balancer.weights
    with pytest.raises(DivergedError, match="c"):
        balancer.measure(problem.losses({**MEASURED, "c": [[float("inf"), 0, 0], [1.0, 0, 0]]}))
    assert balancer.weights == weights
    assert problem.theta.grad is None
