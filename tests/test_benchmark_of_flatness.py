"""Every optimiser that `benchmarks/flatness.py` measures takes its update there."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from benchmarks.flatness import BALANCING, SETTINGS, update
from torch import Tensor


def make_bench() -> Any:
    """Build a linear model and four tasks with a batch each."""
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    batches = {f"en-{number}": torch.randn(4, 3) + number for number in range(4)}

    def loss(batch: Tensor) -> Tensor:
        value: Tensor = model(batch).square().mean()
        return value

    return SimpleNamespace(model=model, batches=batches, loss=loss)


@pytest.mark.parametrize("balancing", list(BALANCING))
@pytest.mark.parametrize("name", list(SETTINGS))
def test_an_update_moves_the_model(name: str, balancing: str) -> None:
    bench = make_bench()
    optimizer, settings = SETTINGS[name]
    take = update(bench, optimizer, BALANCING[balancing], learning_rate=0.1, **settings)
    before = bench.loss(bench.batches["en-0"]).item()
    for _ in range(3):
        bench.model.zero_grad()
        take()
    assert bench.loss(bench.batches["en-0"]).item() < before
