"""Mixed batches are taken on all processes or on none."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from catscale.balancing.engine.mixed_passes import try_together
from tests.unchecked import unchecked


def take(parts: list[list[int]], mixed: tuple[str, ...], run: Any, others_fail: bool = False) -> list[Any] | None:
    """Try batches on one of two processes, the other of which can do its own, or not."""
    ranks = SimpleNamespace(maximum=lambda values: torch.maximum(values, torch.tensor(float(others_fail))))
    taker = SimpleNamespace(parameters=[torch.zeros(1)], ranks=ranks)
    found: list[Any] | None = try_together(unchecked(taker), unchecked(SimpleNamespace(parts=parts, mixed=mixed)), run)
    return found


@pytest.mark.parametrize(
    ("parts", "mixed", "expected"),
    [
        ([[1], [2]], ("ab", "c"), ["AB", "C"]),
        ([[], []], (), []),  # a process without data
        ([[1], []], (), None),  # one that gave no batches, as others did
    ],
)
def test_what_the_batches_give(parts: list[list[int]], mixed: tuple[str, ...], expected: list[str] | None) -> None:
    assert take(parts, mixed, str.upper) == expected


@pytest.mark.parametrize("others_fail", [True, False])
def test_where_one_process_cannot_none_does_and_random_numbers_are_as_before(others_fail: bool) -> None:
    tried = []

    def run(name: str) -> float | None:
        tried.append(name)
        drawn = torch.rand(()).item()
        return None if name == "b" and not others_fail else drawn

    before = torch.get_rng_state()
    assert take([[1]], ("a", "b", "c"), run, others_fail) is None
    assert tried == (["a", "b", "c"] if others_fail else ["a", "b"])
    assert torch.get_rng_state().equal(before)
