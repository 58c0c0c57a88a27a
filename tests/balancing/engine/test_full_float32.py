"""Products in full float32, whatever the process has set for its own."""

from collections.abc import Iterator

import pytest
import torch

from catscale.balancing.engine.full_float32 import full_float32

PRODUCTS = torch.backends.cuda.matmul
CUDA = torch.device("cuda")  # only named: what is set is the process's, with and without a GPU


@pytest.fixture(autouse=True)
def setting() -> Iterator[None]:
    before = PRODUCTS.fp32_precision
    yield
    PRODUCTS.fp32_precision = before


@pytest.mark.filterwarnings("ignore:User provided device_type of 'cuda'")
@pytest.mark.parametrize("setting_before", ["tf32", "none", "ieee"])
def test_tf32_is_off_inside_and_as_it_was_behind(setting_before: str) -> None:
    PRODUCTS.fp32_precision = setting_before
    with full_float32(CUDA):
        assert PRODUCTS.fp32_precision == "ieee"
    assert PRODUCTS.fp32_precision == setting_before
    with pytest.raises(KeyError), full_float32(CUDA):
        raise KeyError
    assert PRODUCTS.fp32_precision == setting_before


def test_a_setting_by_the_older_name_survives() -> None:
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("high")
        with full_float32(CUDA):
            assert PRODUCTS.fp32_precision == "ieee"
        assert torch.get_float32_matmul_precision() == "high"
        assert PRODUCTS.fp32_precision == "tf32"
    finally:
        torch.set_float32_matmul_precision(before)


def test_on_the_cpu_the_setting_of_gpus_is_left_alone_and_autocast_is_off() -> None:
    PRODUCTS.fp32_precision = "tf32"
    left, right = torch.randn(2, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        with full_float32(torch.device("cpu")):
            assert PRODUCTS.fp32_precision == "tf32"
            found = left @ right
        assert (left @ right).dtype == torch.bfloat16
    assert found.dtype == torch.float32
    assert found.equal(left @ right)
