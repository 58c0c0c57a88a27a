"""ConFIG: equal positive cosines, the paper's own way over the gradients, TorchJD's, and its kinship to IMTL-G."""

import pytest
import torch
from torchjd import aggregation

from catscale.balancing.methods.config import ConFIG
from catscale.balancing.methods.imtl_g import IMTLG
from tests.balancing.methods.gramian_cases import KINDS, ROWS, hard_rows, weigh


def test_it_is_equation_2_over_the_gradients_themselves() -> None:
    for rows in ROWS:
        units = torch.stack([row / row.norm() for row in rows])
        along = torch.linalg.pinv(units) @ torch.ones(len(rows), dtype=torch.float64)
        direction = along / along.norm()
        expected = sum((row @ direction) * direction for row in rows)
        torch.testing.assert_close(weigh(ConFIG(), rows) @ rows, expected, rtol=1e-8, atol=1e-10)


def test_it_agrees_with_torchjd_on_hard_gradients() -> None:
    for seed, kind in enumerate(KINDS * 4):
        rows = hard_rows(seed, 1e3, kind)
        if kind == "opposed":
            continue  # least squares, whose rounding the two cut off at different places
        theirs = aggregation.ConFIG()(rows)
        torch.testing.assert_close(weigh(ConFIG(), rows) @ rows, theirs, rtol=1e-6, atol=1e-6 * float(theirs.norm()))


def test_cosines_are_equal_and_positive_at_any_scale() -> None:
    for rows in ROWS:
        if len(rows) > rows.shape[1]:
            continue
        scaled = rows * torch.logspace(-6, 6, len(rows), dtype=torch.float64)[:, None]
        step = weigh(ConFIG(), scaled) @ scaled
        projections = scaled @ step / scaled.norm(dim=1)
        torch.testing.assert_close(projections / projections[0], torch.ones_like(projections), rtol=1e-6, atol=0)
        assert projections[0] > 0


def test_the_direction_is_imtl_g_s_where_its_sum_is_positive() -> None:
    for rows in ROWS:
        ours, theirs = (weigh(method, rows) @ rows for method in (ConFIG(), IMTLG()))
        assert float(ours @ theirs / ours.norm() / theirs.norm()) == pytest.approx(1, abs=1e-6)


def test_it_descends_where_imtl_g_climbs_every_loss() -> None:
    """A short gradient between two long ones: U⁻¹ 1 = (15, 15, −20), over the lengths a negative sum."""
    unit = torch.tensor([[1.0, 0.0, 0.7], [0.0, 1.0, 0.7], [0.7, 0.7, 1.0]], dtype=torch.float64)
    rows = torch.linalg.cholesky(unit) * torch.tensor([[1.0], [1.0], [0.1]], dtype=torch.float64)
    ours, theirs = (rows @ (weigh(method, rows) @ rows) for method in (ConFIG(), IMTLG()))
    assert (ours > 0).all()
    assert (theirs < 0).all()


def test_known_answers() -> None:
    """Orthogonal gradients count as they are; opposed ones weigh equally."""
    weights = weigh(ConFIG(), torch.tensor([[2.0, 0.0], [0.0, 2.0]], dtype=torch.float64))
    assert weights.tolist() == pytest.approx([1.0, 1.0])
    weights = weigh(ConFIG(), torch.tensor([[3.0, 0.0], [0.0, 1.0]], dtype=torch.float64))
    assert weights.tolist() == pytest.approx([2 / 3, 2.0])
    assert weigh(ConFIG(), torch.tensor([[1.0, 2.0], [-1.0, -2.0]], dtype=torch.float64)).tolist() == [0.5, 0.5]


def test_gradients_along_one_line_step_by_the_sum_of_their_lengths() -> None:
    """Lengths 1 and 3: half of the unit each, over the lengths, times 4."""
    rows = torch.tensor([[0.6, 0.8], [1.8, 2.4]], dtype=torch.float64)
    weights = weigh(ConFIG(), rows)
    assert weights.tolist() == pytest.approx([2.0, 2 / 3])
    assert (weights @ rows).tolist() == pytest.approx([2.4, 3.2])


@pytest.mark.parametrize("length", [1e-12, 1.0, 1e12])
def test_a_task_alone_has_weight_one(length: float) -> None:
    assert weigh(ConFIG(), torch.tensor([[0.0, length]], dtype=torch.float64)).tolist() == pytest.approx([1.0])


def test_tasks_without_gradient_leave_the_others_as_they_were() -> None:
    for rows in ROWS[:12]:
        padded = torch.cat([rows[:1], torch.zeros_like(rows[:1]), rows[1:]])
        found = weigh(ConFIG(), padded)
        assert found[1] == 0
        torch.testing.assert_close(found[[0, *range(2, len(padded))]], weigh(ConFIG(), rows))
    assert weigh(ConFIG(), torch.zeros(4, 3, dtype=torch.float64)).tolist() == [0.25] * 4


def test_the_step_is_as_long_as_the_sum_of_the_projections_on_it() -> None:
    for rows in ROWS:
        step = weigh(ConFIG(), rows) @ rows
        assert float((rows @ step).sum() / step.norm()) == pytest.approx(float(step.norm()), rel=1e-8)
