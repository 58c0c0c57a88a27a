"""The counter of operations and waits sees what a device would make the host wait for, and nothing else."""

from collections.abc import Callable

import pytest
import torch
from benchmarks.counts import StepCounts, count_step
from torch import Tensor, nn

HOST = torch.device("cpu")
MASK = torch.tensor([True, False, True])


class Net(nn.Module):
    """One vector."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))


def counted(step: Callable[[Tensor], object]) -> StepCounts:
    net = Net()
    return count_step(net, lambda: step(net.theta))


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("item", lambda t: t.sum().item()),
        ("tolist", lambda t: (2 * t).tolist()),
        ("cpu", lambda t: t.detach().cpu()),
        ("cpu", lambda t: t.detach().to("cpu")),
        ("__bool__", lambda t: bool((t > 0).all())),
        ("__float__", lambda t: float(t.detach()[0])),
        ("numpy", lambda t: t.detach().numpy()),
        ("nonzero", lambda t: t.detach().nonzero()),
        ("masked_select", lambda t: t.detach().masked_select(MASK)),
        ("__getitem__", lambda t: t.detach()[MASK]),
        ("equal", lambda t: t.equal(t)),
        ("to device", lambda t: t + torch.ones(3).to(HOST)),
        ("to device", lambda t: t.detach().new_tensor([1.0])),
    ],
)
def test_each_kind_of_wait_is_counted_once(name, step):
    assert counted(step).waits == {name: 1}


@pytest.mark.parametrize(
    "step",
    [
        lambda t: torch.ones(3).sum().item(),
        lambda t: torch.ones(3)[MASK].tolist(),
        lambda t: t.sum().backward(),
        lambda t: t[1:] + t[:-1],
        lambda t: t + torch.ones(3).to(HOST, non_blocking=True),
        lambda t: len(t) + t.shape[0] + t.numel(),
    ],
)
def test_what_stays_where_it_is_is_no_wait(step):
    assert counted(step).waits == {}


def test_what_stays_on_the_host_is_copied_each_time():
    """A processor's `to` returns the tensor itself; a device would be sent another copy."""
    kept = torch.ones(3)
    assert counted(lambda t: [t + kept.to(HOST) for _ in range(3)]).waits == {"to device": 3}
    assert counted(lambda t: (sent := t + kept.to(HOST)).to(HOST) + sent.to(HOST)).waits == {"to device": 1}


def test_a_copy_on_the_host_is_read_for_nothing():
    assert counted(lambda t: [t.detach().cpu().tolist() for _ in range(2)]).waits == {"cpu": 2}


def test_operations_on_what_the_device_holds_are_counted_and_views_are_not():
    counts = counted(lambda t: (t.view(3, 1).T * 2).sum().backward())
    assert counts.launches == {"mul": 2, "sum": 1, "ones_like": 1}
    assert (counts.operations, counts.synchronisations) == (4, 0)


def test_work_of_the_host_is_no_launch():
    assert counted(lambda t: (torch.ones(3) * 2).sum()).operations == 0


def test_what_was_freed_is_no_longer_held():
    counts = StepCounts([])
    held = torch.ones(3)
    counts.hold(held)
    assert counts.is_held(held)
    assert counts.is_held(held[1:])
    del held
    assert not any(counts.is_held(torch.ones(3)) for _ in range(10))
