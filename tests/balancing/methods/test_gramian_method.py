"""What the functions of the Gram matrix share: scales, gradients of 0, and their errors."""

import pytest
import torch

from catscale.balancing import METHODS, Signals
from catscale.balancing.methods.gramian_method import GramianMethod
from catscale.balancing.methods.upgrad import UPGrad
from catscale.errors import DivergedError
from tests.balancing.methods.gramian_cases import ROWS, weigh

PLAIN = ["pcgrad", "mgda", "upgrad", "cagrad", "imtl_g", "aligned_mtl"]


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_a_common_scale_of_the_gradients_does_not_matter(name: str, scale: float) -> None:
    method: GramianMethod = METHODS[name]()
    for rows in ROWS[::8]:
        torch.testing.assert_close(weigh(method, rows * scale), weigh(method, rows), rtol=1e-6, atol=1e-9)


def test_a_method_sees_a_largest_diagonal_element_of_1() -> None:
    seen = []

    class Recording(GramianMethod):
        method: str = "recording"

        def weigh(self, gramian: torch.Tensor, draw: int) -> torch.Tensor:
            seen.append(gramian)
            return torch.ones(len(gramian), dtype=torch.float64)

    weigh(Recording(), 1e-9 * ROWS[0])
    assert seen[0].diagonal().max() == 1


def test_a_product_that_is_not_finite_names_the_task() -> None:
    gramian = torch.tensor([[1.0, float("nan")], [float("nan"), 1.0]])
    with pytest.raises(DivergedError, match=r"must be finite, found others for the tasks with ids \[4, 2\]; lower"):
        UPGrad().step(UPGrad().init(5), Signals(torch.tensor([4, 2]), torch.ones(2), gramian))


def test_a_step_without_its_gramian_says_so() -> None:
    with pytest.raises(ValueError, match="needs the Gram matrix, found none; measure what request"):
        UPGrad().step(UPGrad().init(2), Signals(torch.arange(2), torch.ones(2)))
