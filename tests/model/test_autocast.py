"""Mixed precision is entered where a type is given, and nothing changes where none is."""

import pytest
import torch

from catscale.model.autocast import compute_in


@pytest.mark.parametrize(("dtype", "found"), [(None, torch.float32), (torch.bfloat16, torch.bfloat16)])
def test_products_have_the_type_that_is_given(dtype: torch.dtype | None, found: torch.dtype) -> None:
    one = torch.ones(2, 2)
    with compute_in(dtype, one.device):
        assert (one @ one).dtype == found
    assert (one @ one).dtype == torch.float32
