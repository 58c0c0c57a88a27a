"""F-MTL, and SAM for repeated tasks: slow transcriptions, SAM where there is one task, and where they begin."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

from catscale.errors import ConfigError
from catscale.optimisation.adamw import AdamW
from catscale.optimisation.flat import FMTL, ClimbingTasks
from catscale.optimisation.sam import SAM
from catscale.optimisation.sam_repeated import RepeatedSAM
from catscale.optimisation.task_descent import TaskVector
from tests.optimisation.bowls import CENTRES, WEIGHTS, Bowls, gradient_at
from tests.optimisation.quadratic import Transcript

START: dict[str, Any] = {"from": 0.0}


def flat(**settings: Any) -> FMTL:
    return FMTL(**START | settings)


def repeated(**settings: Any) -> RepeatedSAM:
    return RepeatedSAM(**settings)


def test_one_task_s_flat_direction_on_the_quadratic_of_sam() -> None:
    tasks = Bowls("one", is_linear=False)
    flat(rho=0.1).combine(tasks, 1)
    (_, here), (_, there) = tasks.points
    first, second = gradient_at("one", here), gradient_at("one", there)
    assert first.tolist() == [1, 9]
    assert second.tolist() == pytest.approx([1.011043, 9.894495], abs=1e-6)
    assert (second - first).tolist() == pytest.approx([0.011043, 0.894495], abs=1e-6)
    found = tasks.named["theta"].grad
    assert found is not None
    assert found.tolist() == pytest.approx(second.tolist())


@pytest.mark.parametrize("is_linear", [True, False])
@pytest.mark.parametrize("settings", [flat(rho=0.3), repeated(rho=0.3, over_epochs=8.0)], ids=lambda found: found.name)
def test_steps_follow_the_formulas(settings: ClimbingTasks, is_linear: bool) -> None:
    """Twelve updates against a transcription in float64; the second task was not yet gone through once."""
    settings = settings.model_copy(update=dict(Transcript.SETTINGS))
    tasks, slow = Bowls("one", "two", is_linear=is_linear), Transcript()
    optimizer = settings.build(tasks.named)
    radii = {"one": 0.3, "two": 0.3} if settings.name == "flat" else {"one": 0.15, "two": 0.0}
    for step in range(1, 13):
        settings.take(optimizer, tasks, step)
        total = torch.zeros(2, dtype=torch.float64)
        for task, radius in radii.items():
            g = gradient_at(task, slow.theta)
            h = gradient_at(task, slow.theta + radius * g / g.norm()) - g
            total += WEIGHTS[task] * g + WEIGHTS[task] * h
        slow.move(total, step)
        torch.testing.assert_close(tasks.theta, slow.theta, rtol=1e-6, atol=1e-9)
    assert tasks.more is (None if is_linear else settings.name == "sam_repeated")
    assert len(tasks.points) == 12 * (4 if settings.name == "flat" else 3)
    second = [point for task, point in tasks.points[:4] if task == "two"]
    assert torch.equal(second[0], torch.ones(2).double())  # each task starts from θ


def test_with_one_task_it_is_sam() -> None:
    one, two = Bowls("one"), Bowls("one")
    for settings, tasks in ((SAM(**START), one), (flat(), two)):
        optimizer = settings.build(tasks.named)
        for step in range(1, 9):
            settings.take(optimizer, tasks, step)
    torch.testing.assert_close(one.theta, two.theta, rtol=1e-9, atol=0)


def test_without_a_radius_and_before_it_begins_nothing_is_looked_at_apart() -> None:
    """Plain training, bit for bit."""
    plain = Bowls("one", "two")
    AdamW().take(AdamW().build(plain.named), plain, 1)
    for settings in (flat(rho=0.0), repeated(rho=0.0), FMTL(total_steps=2)):
        tasks = Bowls("one", "two")
        settings.take(settings.build(tasks.named), tasks, 1)
        assert torch.equal(tasks.theta, plain.theta)
        assert (len(tasks.points), tasks.looks) == (2, 0)
    assert [FMTL(total_steps=40).is_sharp(step) for step in (34, 35)] == [False, True]
    assert RepeatedSAM().is_sharp(1)


@pytest.mark.parametrize(("epochs", "radius"), [(0.0, 0), (1.0, 0), (1.1, 0.1), (3.5, 0.5), (11.0, 1), (50.0, 1)])
def test_the_radius_grows_with_the_epochs_beyond_the_first(epochs: float, radius: float) -> None:
    assert repeated(rho=2.0).radius(epochs) == pytest.approx(2 * radius)
    assert flat(rho=2.0).radius(epochs) == 2


class Fading(Bowls):
    """A task whose gradient is there in the second of two passes, and then in the first of the next two."""

    def gradient(self, task: str) -> TaskVector:
        self.points.append((task, self.theta.clone()))
        return [None] if len(self.points) in (1, 4) else [torch.tensor([3.0, 4.0]).double()]

    def combine_more(self, vectors: Mapping[str, TaskVector], with_same_weights: bool) -> None:
        self.seen = vectors["one"][0]


def test_a_gradient_that_is_there_at_one_of_the_points_alone() -> None:
    tasks = Fading("one", is_linear=False)
    for expected in ([3, 4], [-3, -4]):
        flat().combine(tasks, 1)
        assert tasks.seen is not None
        assert tasks.seen.tolist() == expected


class Squaring(Bowls):
    """Tasks whose balancing method is not linear: every vector is weighted by its own length."""

    def combine_more(self, vectors: Mapping[str, TaskVector], with_same_weights: bool) -> None:
        self._add({t: [None if v is None else v * v.norm() for v in vector] for t, vector in vectors.items()})

    def combine(self, vectors: Mapping[str, Callable[[], TaskVector]]) -> float:
        self.combine_more({task: vector() for task, vector in vectors.items()}, True)
        return 7.0


def test_a_method_that_is_not_linear_is_shown_gradients_and_flat_directions_apart() -> None:
    """A(g) + A(h), which is not A(g + h); what it saw of the g_n is returned."""
    tasks = Squaring("one", "two", is_linear=False)
    assert flat(rho=0.4).combine(tasks, 1) == 7
    theta, total = torch.ones(2).double(), torch.zeros(2).double()
    for task, weight in WEIGHTS.items():
        g = gradient_at(task, theta)
        h = gradient_at(task, theta + 0.4 * g / g.norm()) - g
        total += weight * (g * g.norm() + h * h.norm())
    found = tasks.named["theta"].grad
    assert found is not None
    torch.testing.assert_close(found, total)


@pytest.mark.parametrize("is_linear", [True, False])
def test_a_task_at_its_minimum_climbs_nowhere_and_disturbs_no_other(is_linear: bool) -> None:
    tasks = Bowls("one", "two", is_linear=is_linear)
    with torch.no_grad():
        tasks.named["theta"].copy_(CENTRES["one"])
    flat(rho=0.2).combine(tasks, 1)
    assert all(torch.equal(point, CENTRES["one"]) for task, point in tasks.points if task == "one")
    g = gradient_at("two", CENTRES["one"])
    found = tasks.named["theta"].grad
    assert found is not None
    torch.testing.assert_close(found, WEIGHTS["two"] * gradient_at("two", 0.2 * g / g.norm()))


@pytest.mark.parametrize("is_linear", [True, False])
def test_of_no_tasks_nothing_is_combined(is_linear: bool) -> None:
    tasks = Bowls(is_linear=is_linear)
    flat().combine(tasks, 1)
    assert tasks.named["theta"].grad is None
    assert tasks.points == []


@pytest.mark.parametrize(
    ("given", "key"), [({"rho": -0.1}, "rho"), ({"rho": float("nan")}, "rho"), ({"over_epochs": 0.0}, "over_epochs")]
)
def test_radii_and_epochs_out_of_bounds_are_refused(given: dict[str, float], key: str) -> None:
    with pytest.raises(ConfigError, match=rf"RepeatedSAM\.{key}: "):
        repeated(**given)
