"""DB-MTL: LibMTL's two steps over the gradients themselves, and what follows from them."""

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.checks import Step, trajectory
from catscale.balancing.methods.db_mtl import DBMTL


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
