"""DB-MTL: LibMTL's two steps over the gradients themselves, and what follows from them."""

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.checks import Step, trajectory
from catscale.balancing.methods.db_mtl import DBMTL
from catscale.errors import DivergedError


def weigh(step: Step) -> torch.Tensor:
    signals = Signals(step.task_ids, step.losses, norms=step.gradients.norm(dim=1))
    return DBMTL().step(DBMTL().init(9), signals)[0]


def test_it_is_the_sum_of_the_logarithms_gradients_at_one_length() -> None:
    for step in trajectory():
        logs = [row / loss for row, loss in zip(step.gradients, step.losses, strict=True)]
        longest = max(float(row.norm()) for row in logs)
        expected = sum(longest / float(row.norm()) * row for row in logs)
        torch.testing.assert_close(weigh(step) @ step.gradients, expected)


def test_a_loss_in_another_unit_changes_nothing_but_its_own_weight() -> None:
    step = trajectory(size=3)[0]
    factors = torch.tensor([1.0, 1e3, 1.0], dtype=torch.float64)
    scaled = Step(step.task_ids, step.losses * factors, step.gradients * factors[:, None])
    torch.testing.assert_close(weigh(scaled) * factors, weigh(step))


def test_a_task_without_gradient_has_no_weight() -> None:
    signals = Signals(torch.arange(2), torch.tensor([2.0, 0.5]), norms=torch.tensor([0.0, 3.0]))
    assert DBMTL().step(DBMTL().init(2), signals)[0].tolist() == pytest.approx([0.0, 2.0])
    signals = Signals(torch.arange(2), torch.tensor([2.0, 0.5]), norms=torch.zeros(2))
    assert DBMTL().step(DBMTL().init(2), signals)[0].tolist() == [0.5, 0.5]


def test_a_task_alone_is_the_gradient_of_its_logarithm() -> None:
    signals = Signals(torch.tensor([2]), torch.tensor([4.0]), norms=torch.tensor([7.0]))
    assert DBMTL().step(DBMTL().init(3), signals)[0].tolist() == [0.25]


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_the_weights_do_not_depend_on_the_unit_of_the_gradients(scale: float) -> None:
    step = trajectory(size=4)[1]
    torch.testing.assert_close(weigh(Step(step.task_ids, step.losses, step.gradients * scale)), weigh(step))


def test_losses_and_norms_that_are_not_finite_or_not_measured_are_refused() -> None:
    ids, ones, bad = torch.tensor([0, 3]), torch.ones(2), torch.tensor([1.0, torch.inf])
    with pytest.raises(DivergedError, match=r"losses must be finite, found \[1.0, inf\] for the tasks with ids \[0, 3"):
        DBMTL().step(DBMTL().init(4), Signals(ids, bad, norms=ones))
    with pytest.raises(DivergedError, match=r"gradient norms must be finite, found \[1.0, inf\] for the tasks with id"):
        DBMTL().step(DBMTL().init(4), Signals(ids, ones, norms=bad))
    with pytest.raises(ValueError, match=r"this step needs the gradients' norms, found none; measure what request\(\)"):
        DBMTL().step(DBMTL().init(4), Signals(ids, ones))
