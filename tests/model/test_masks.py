"""Masks of weights: what is kept, and how it is packed."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.model.masks import CHUNK, count_common, keep_largest, pack, unpack


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3, 0.5, 0.77, 0.99])
@pytest.mark.parametrize("shape", [(7, 11), (1, 1), (16, 24), (3, 1)])
def test_exactly_the_k_smallest_go(shape: tuple[int, int], rate: float) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(5))
    kept, numbers = keep_largest(weight, rate), weight.numel()
    k = int(rate * numbers)
    assert int((~kept).sum()) == k
    assert abs(kept.double().mean().item() - (1 - rate)) <= 1 / numbers
    ordered = sorted(weight.abs().flatten().tolist())
    assert sorted(weight.abs()[~kept].tolist()) == ordered[:k]


def test_of_equal_magnitudes_the_first_go_and_no_more_than_k() -> None:
    weight = torch.tensor([[2.0, -1.0, 1.0], [1.0, -1.0, 3.0]])
    assert keep_largest(weight, 0.34).tolist() == [[True, False, False], [True, True, True]]
    assert keep_largest(torch.zeros(2, 5), 0.5).tolist() == [[False] * 5, [True] * 5]


def test_where_the_rate_is_of_less_than_one_number_all_are_kept() -> None:
    assert keep_largest(torch.tensor([[1.0, 2.0]]), 0.4).all()


@settings(deadline=None, max_examples=60)
@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_a_mask_comes_back_and_its_bytes_are_those_of_arithmetic(bits: list[bool]) -> None:
    packed = pack(torch.tensor(bits))
    slow = [sum(2**j for j, bit in enumerate(bits[i : i + 8]) if bit) for i in range(0, len(bits), 8)]
    assert packed.dtype == torch.uint8
    assert packed.tolist() == slow
    assert unpack(packed, (len(bits),)).tolist() == bits


def test_what_two_have_in_common_is_counted_chunk_by_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    generator: Any = torch.Generator().manual_seed(3)
    kept = torch.rand(3, 1003, generator=generator) < 0.6
    masks = torch.stack([pack(row) for row in kept])
    expected = [[int((one & two).sum()) for two in kept] for one in kept]
    assert CHUNK % 8 == 0
    assert count_common(masks, 1003).tolist() == expected
    monkeypatch.setattr("catscale.model.masks.CHUNK", 64)
    assert count_common(masks, 1003).tolist() == expected


def test_bits_beyond_the_matrix_do_not_count() -> None:
    masks = torch.full((2, 2), 255, dtype=torch.uint8)
    assert count_common(masks, 9).tolist() == [[9, 9], [9, 9]]
