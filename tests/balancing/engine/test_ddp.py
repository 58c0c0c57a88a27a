"""DistributedDataParallel within a balanced step; two processes are in test_distributed.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from catscale.balancing.engine.ddp import ddp_kept_still


@pytest.fixture
def wrapped(tmp_path: Path) -> Iterator[DistributedDataParallel]:
    dist.init_process_group("gloo", f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        yield DistributedDataParallel(torch.nn.Linear(2, 1))
    finally:
        dist.destroy_process_group()


def test_it_synchronises_neither_gradients_nor_buffers_within_and_both_after(wrapped: DistributedDataParallel) -> None:
    with ddp_kept_still(wrapped):
        assert not wrapped.require_backward_grad_sync
        assert not wrapped.require_forward_param_sync
    assert wrapped.require_backward_grad_sync
    assert wrapped.require_forward_param_sync


def test_an_error_within_leaves_it_as_it_was(wrapped: DistributedDataParallel) -> None:
    wrapped.require_forward_param_sync = False
    with pytest.raises(RuntimeError, match="a fault in the step"), ddp_kept_still(wrapped):
        raise RuntimeError("a fault in the step")
    assert wrapped.require_backward_grad_sync
    assert not wrapped.require_forward_param_sync


@pytest.mark.parametrize("module", [None, torch.nn.Linear(2, 1)], ids=["none", "plain"])
def test_another_module_is_left_alone(module: torch.nn.Module | None) -> None:
    before = None if module is None else dict(vars(module))
    with ddp_kept_still(module):
        assert (None if module is None else dict(vars(module))) == before
