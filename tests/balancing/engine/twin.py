"""A second process that is not there: sums with it double what this one has."""

from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor


class Twin:
    """Another process that sends what this one does, and the sizes of the sums, with whether a pass went on."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.is_passing = False
        self.were_passing: list[bool] = []

    def all_reduce(self, tensor: Tensor, *given: Any, **named: Any) -> "Twin":
        self.sizes.append(tensor.numel())
        self.were_passing.append(self.is_passing)
        tensor.mul_(2)
        return self

    def wait(self) -> None:
        pass


def pair_with_twin(monkeypatch: pytest.MonkeyPatch) -> Twin:
    """Have this process be one of two."""
    found, before = Twin(), torch.autograd.backward

    def watched(*given: Any, **named: Any) -> None:
        found.is_passing = True
        before(*given, **named)
        found.is_passing = False

    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda group=None: 2)
    monkeypatch.setattr(dist, "all_reduce", found.all_reduce)
    monkeypatch.setattr(torch.autograd, "backward", watched)
    return found
