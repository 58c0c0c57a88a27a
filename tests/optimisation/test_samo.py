"""SAMO: a slow transcription with differences of losses, its ablation, and its random directions."""

from typing import Any

import pytest
import torch

from catscale.optimisation.samo import SAMO, draw_directions, mean_gradient
from catscale.optimisation.task_descent import TaskVector
from tests.optimisation.bowls import WEIGHTS, Bowls, gradient_at, loss_at
from tests.optimisation.quadratic import Transcript


def samo(**settings: Any) -> SAMO:
    return SAMO(**{"from": 0.0, "rho": 0.2, **settings})


def test_steps_follow_the_paper_s_formulas() -> None:
    """Twelve updates against a transcription in float64."""
    settings = samo(beta=0.4, mu=0.05, **Transcript.SETTINGS)
    tasks, slow = Bowls("one", "two"), Transcript()
    optimizer = settings.build(tasks.named)
    for step in range(1, 13):
        settings.take(optimizer, tasks, step)
        theta, total = slow.theta, torch.zeros(2, dtype=torch.float64)
        mean = (gradient_at("one", theta) + gradient_at("two", theta)) / 2
        for task in ("one", "two"):
            (z,) = draw_directions(tasks, task, step)
            estimate = (loss_at(task, theta + 0.05 * z) - loss_at(task, theta - 0.05 * z)) / 0.1 * z
            p = 0.6 * mean + 0.4 * mean.norm() * estimate / estimate.norm()
            total += WEIGHTS[task] * gradient_at(task, theta + 0.2 * p / p.norm())
        slow.move(total, step)
        torch.testing.assert_close(tasks.theta, slow.theta, rtol=1e-6, atol=1e-9)
    assert (len(tasks.points), tasks.losses) == (12 * 4, 12 * 4)


def test_without_the_random_direction_it_is_sam_along_the_mean_gradient() -> None:
    tasks = Bowls("one", "two")
    samo(beta=0.0).combine(tasks, 1)
    mean = (gradient_at("one", torch.ones(2)) + gradient_at("two", torch.ones(2))) / 2
    above = torch.ones(2).double() + 0.2 * mean / mean.norm()
    assert [task for task, _ in tasks.points] == ["one", "two", "one", "two"]
    for _, point in tasks.points[2:]:
        torch.testing.assert_close(point, above)
    assert tasks.losses == 0


def test_a_direction_is_the_same_whenever_it_is_drawn_and_another_for_each_task_and_step() -> None:
    tasks = Bowls("one", "two")
    before = torch.get_rng_state()
    found = [
        next(draw_directions(tasks, task, step)) for task, step in (("one", 1), ("one", 1), ("two", 1), ("one", 2))
    ]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert not torch.equal(found[0], found[3])
    assert torch.get_rng_state().equal(before)


class Wider(Bowls):
    """Tasks with a parameter that none of them uses."""

    def gradient(self, task: str) -> TaskVector:
        return [*super().gradient(task), None]


def test_a_parameter_that_no_task_uses_stays() -> None:
    tasks = Wider("one", "two")
    unused = torch.nn.Parameter(torch.ones(3))
    tasks.names.append("unused")
    tasks.parameters.append(unused)
    assert mean_gradient(tasks)[1] is None
    settings = samo()
    direction = settings.turn(tasks, "one", mean_gradient(tasks), 1)
    assert direction[1] is None
    assert unused.tolist() == [1, 1, 1]


class Tied(Bowls):
    """Tasks whose losses are the same on both sides of every point."""

    def loss(self, task: str) -> float:
        self.losses += 1
        return 1.0


def test_where_both_sides_are_as_high_the_direction_is_the_mean_gradient_s_part_alone() -> None:
    tasks = Tied("one", "two")
    mean = mean_gradient(tasks)
    (direction,) = samo(beta=0.3).turn(tasks, "one", mean, 1)
    assert direction is not None
    assert mean[0] is not None
    torch.testing.assert_close(direction, 0.7 * mean[0])
    samo(beta=1.0).combine(tasks, 1)  # the direction is 0: both tasks look at θ itself
    assert all(torch.equal(point, torch.ones(2).double()) for _, point in tasks.points)


def test_the_random_part_rises_along_the_task_s_loss_and_is_as_long_as_the_mean_gradient() -> None:
    """With β = 1 in one tensor: ‖p_n‖ = ‖g_0‖, and L_n is higher that way than the other."""
    for step in range(1, 9):
        tasks = Bowls("one", "two")
        mean = mean_gradient(tasks)
        assert mean[0] is not None
        for task in tasks.tasks:
            (direction,) = samo(beta=1.0).turn(tasks, task, mean, step)
            assert direction is not None
            assert direction.norm().item() == pytest.approx(mean[0].norm().item())
            step_along = 0.01 * direction / direction.norm()
            assert loss_at(task, tasks.theta + step_along) > loss_at(task, tasks.theta - step_along)
        assert torch.equal(tasks.theta, torch.ones(2).double())


def test_of_one_task_the_mean_gradient_is_its_own_and_gradients_that_are_there_in_one_task_count_half() -> None:
    (own,) = mean_gradient(Bowls("one"))
    assert own is not None
    assert own.tolist() == [1, 9]

    class Half(Bowls):
        def gradient(self, task: str) -> TaskVector:
            return super().gradient(task) if task == "two" else [None]

    (half,) = mean_gradient(Half("one", "two"))
    assert half is not None
    assert half.tolist() == (gradient_at("two", torch.ones(2).double()) / 2).tolist()


def test_the_mean_leaves_the_tasks_own_gradients_as_they_are() -> None:
    vectors = {"one": torch.tensor([1.0, 2.0]).double(), "two": torch.tensor([3.0, -2.0]).double()}

    class Kept(Bowls):
        def gradient(self, task: str) -> TaskVector:
            return [vectors[task]]

    (mean,) = mean_gradient(Kept("one", "two"))
    assert mean is not None
    assert mean.tolist() == [2, 0]
    assert [vector.tolist() for vector in vectors.values()] == [[1, 2], [3, -2]]


def test_tensors_of_one_shape_have_directions_by_name_not_by_place() -> None:
    tasks = Bowls("one")
    tasks.names, tasks.parameters = ["a", "b"], [torch.nn.Parameter(torch.ones(5)) for _ in range(2)]
    a, b = draw_directions(tasks, "one", 3)
    tasks.names = ["b", "a"]
    first, second = draw_directions(tasks, "one", 3)
    assert not torch.equal(a, b)
    assert torch.equal(a, second)
    assert torch.equal(b, first)
