"""A sharded model: the type that parameters are gathered in, how often, and the losses of joined passes."""

from collections.abc import Iterator

import pytest
import torch
import torch.distributed as dist
from benchmarks.collectives import Collectives, stand_ins
from torch import Tensor, nn

from catscale.data.joining import join_batches
from catscale.distributed.processes import Processes
from catscale.distributed.sharding import choose_gathered, is_sharded, own_part, shard
from catscale.model.likelihood import Objective, joined_losses
from tests.ranks import free_port
from tests.training.test_trainer import VOCABULARY, FixedStream, fresh_model


class Net(nn.Module):
    """Two layers, each of 20 numbers, and 4 beside them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))
        self.scale = nn.Parameter(torch.ones(4))
        self.seen: list[torch.dtype] = []

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.tanh(layer(x)) * self.scale
            self.seen.append(self.scale.dtype)
        return x.float().square().sum()


def run(dtype: torch.dtype | None, reshard_after_forward: bool = True) -> tuple[Net, Collectives]:
    """A sharded model after two passes of one step, of which the last one sums."""
    model = Net()
    with stand_ins(2):
        shard(model, list(model.layers), Processes(0, 2), dtype, reshard_after_forward)
        assert is_sharded(model)
        x = torch.ones(3, 4)
        with Collectives() as counted, torch.autocast("cpu", dtype, enabled=dtype is not None):
            model(x).backward()
    return model, counted


@pytest.mark.parametrize(("dtype", "size"), [(None, 4), (torch.bfloat16, 2)])
def test_parameters_are_gathered_in_a_type_and_gradients_summed_in_float32(
    dtype: torch.dtype | None, size: int
) -> None:
    model, counted = run(dtype)
    assert set(model.seen) == {dtype or torch.float32}
    each = 20 // 2 * size  # this process's part of a layer
    assert counted.sent["gathers"] == 2 * 2 * each + 4 // 2 * size
    assert counted.sent["scatters"] == 4 * (2 * 20 + 4)
    for parameter in model.parameters():
        assert parameter.dtype == torch.float32
        assert parameter.grad is not None
        assert own_part(parameter.grad).dtype == torch.float32


def test_a_layer_is_gathered_once_where_it_stays() -> None:
    _, again = run(None)
    _, once = run(None, reshard_after_forward=False)
    assert (again.found["gathers"], once.found["gathers"]) == (5, 3)
    assert again.found["scatters"] == once.found["scatters"] == 3


@pytest.fixture
def alone() -> Iterator[Processes]:
    """A group of this process alone, whose sums are real."""
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{free_port()}", rank=0, world_size=1)
    try:
        yield Processes()
    finally:
        dist.destroy_process_group()


def test_joined_losses_and_gradients_are_those_of_a_whole_model(alone: Processes) -> None:
    batches = FixedStream().batches
    parts = [part for found in batches.values() for part in found]
    joined = join_batches(parts, [0, 1, 1], VOCABULARY.pad_id)
    whole, model = fresh_model(), fresh_model()
    objective = Objective(model)
    shard(objective, model.layers(), alone)
    expected, nll = joined_losses(whole, joined, 0.1, 2)
    expected.sum().backward()
    losses, found = objective(joined, 0.1, 2)
    losses.sum().backward()
    torch.testing.assert_close(losses, expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(found, nll)
    for (name, one), two in zip(model.named_parameters(), whole.parameters(), strict=True):
        assert one.grad is not None
        torch.testing.assert_close(own_part(one.grad), two.grad, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize(("device", "dtype"), [("cpu", None), ("cuda", torch.bfloat16)])
def test_a_processor_gathers_parameters_as_they_are(device: str, dtype: torch.dtype | None) -> None:
    assert choose_gathered(torch.bfloat16, torch.device(device)) is dtype
    assert choose_gathered(None, torch.device(device)) is None
