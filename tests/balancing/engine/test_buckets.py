"""Buckets of gradients on their way to the other processes, which are made up: there are as many as a test says."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.distributed as dist
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from catscale.balancing.engine.buckets import BUCKET, GradientSum, plan_buckets
from catscale.errors import ConfigError

Others = list[Callable[[Tensor], None]]


class Sent:
    """What was sent, in order, and when it was waited for; every other process adds what its function does."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.waited = 0
        self.others: Others = []

    def all_reduce(self, tensor: Tensor, op: Any = None, group: Any = None, async_op: bool = False) -> "Sent":
        assert async_op
        self.sizes.append(tensor.numel())
        for other in self.others:
            other(tensor)
        return self

    def wait(self) -> None:
        self.waited += 1


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    found = Sent()
    monkeypatch.setattr(dist, "all_reduce", found.all_reduce)
    return found


def double(tensor: Tensor) -> None:
    """Another process with the same gradients."""
    tensor.mul_(2)


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=12), st.integers(1, 20))
@settings(deadline=None, max_examples=60)
def test_each_gradient_is_in_one_bucket_of_one_kind_the_last_first(found: list[tuple[int, bool]], limit: int) -> None:
    tensors = [torch.zeros(size, dtype=torch.float64 if wide else torch.float32) for size, wide in found]
    buckets = plan_buckets(tensors, limit)
    assert [place for bucket in buckets for place in bucket] == list(reversed(range(len(tensors))))
    for bucket in buckets:
        assert len({tensors[place].dtype for place in bucket}) == 1
        assert len(bucket) == 1 or sum(tensors[place].numel() for place in bucket) <= limit
    for one, two in pairwise(buckets):
        first = tensors[two[0]]
        full = sum(tensors[place].numel() for place in one) + first.numel() > limit
        assert full or tensors[one[0]].dtype != first.dtype


def test_a_bucket_is_of_32_mib_of_float32() -> None:
    assert BUCKET * 4 == 32 * 2**20


def test_sums_and_what_no_process_has(sent: Sent) -> None:
    like = [torch.zeros(2, 2), torch.zeros(3), torch.zeros(1)]

    def other(tensor: Tensor) -> None:  # it has the second alone: 1 2 3; a bucket begins with the last parameter
        tensor += torch.tensor([0.0, 1, 2, 3, 0, 0, 0, 0, 0, 1, 0])

    sent.others = [other]
    summing = GradientSum(like, None)
    summing.begin([torch.eye(2), None, None])
    assert (sent.sizes, sent.waited) == ([8 + 3], 0)
    first, second, third = summing.wait()
    assert sent.waited == 1
    assert first is not None
    assert first.equal(torch.eye(2))
    assert second is not None
    assert second.tolist() == [1, 2, 3]
    assert third is None


def test_a_divisor_is_taken_out_of_sums_and_not_of_owners(sent: Sent) -> None:
    sent.others = [double]
    summing = GradientSum([torch.zeros(2), torch.zeros(1)], None, divisor=4.0)
    summing.begin([torch.tensor([6.0, 8.0]), None])
    first, second = summing.wait()
    assert first is not None
    assert first.tolist() == [3, 4]
    assert second is None


def test_complex_gradients_are_sent_as_real_numbers(sent: Sent) -> None:
    sent.others = [double]
    summing = GradientSum([torch.zeros(2, dtype=torch.complex64), torch.zeros(1, dtype=torch.complex64)], None)
    summing.begin([torch.tensor([1 + 2j, 3j]), None])
    first, second = summing.wait()
    assert sent.sizes == [2 * (3 + 2)]
    assert first is not None
    assert first.tolist() == [2 + 4j, 6j]
    assert second is None


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 1))


SIZES = [1 + 3 + 3 + 3, 9 + 3 + 2, 9 + 1]
"""Numbers of the buckets of at most 12, and one more for each parameter."""


def small_sum(parameters: list[nn.Parameter], monkeypatch: pytest.MonkeyPatch) -> GradientSum:
    """A sum in three buckets."""
    monkeypatch.setattr(plan_buckets, "__defaults__", (12,))
    return GradientSum(parameters, None)


def test_buckets_go_while_the_backward_pass_goes_on(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    model, gone = layers(), []
    parameters = list(model.parameters())
    parameters[0].register_hook(lambda gradient: gone.append(len(sent.sizes)))  # the last one that is found
    summing = small_sum(parameters, monkeypatch)
    with summing.during():
        model(torch.ones(2, 3)).sum().backward()
    assert len(summing.buckets) == 3
    assert gone[0] >= 1
    assert sent.sizes == SIZES
    expected = [parameter.grad for parameter in parameters]
    summing.begin(expected)
    assert len(sent.sizes) == 3
    for found, parameter in zip(summing.wait(), expected, strict=True):
        assert found is not None
        torch.testing.assert_close(found, parameter)
    model(torch.ones(2, 3)).sum().backward()  # the hooks are gone
    assert len(sent.sizes) == 3


def test_a_bucket_waits_for_those_before_it(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process does not reach the last layer, whose bucket all processes send first."""
    model = layers()
    summing = small_sum(list(model.parameters()), monkeypatch)
    with summing.during():
        model[1](model[0](torch.ones(2, 3))).sum().backward()
    assert sent.sizes == []
    summing.begin([parameter.grad for parameter in model.parameters()])
    assert sent.sizes == SIZES
    *reached, weight, bias = summing.wait()
    assert all(found is not None for found in reached)
    assert weight is bias is None


def test_gradients_of_passes_before_are_in_the_sum(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    model = layers()
    model(torch.ones(2, 3)).sum().backward()
    once = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    summing = small_sum(list(model.parameters()), monkeypatch)
    with summing.during():
        model(torch.ones(2, 3)).sum().backward()
    summing.begin([parameter.grad for parameter in model.parameters()])
    for found, expected in zip(summing.wait(), once, strict=True):
        assert found is not None
        torch.testing.assert_close(found, 2 * expected)


def test_a_gradient_in_two_pieces_is_refused(sent: Sent) -> None:
    theta = nn.Parameter(torch.ones(3))
    summing = GradientSum([theta], None)
    message = r"shape \(3,\) must get its gradient once .* no backward in hooks"
    with summing.during():
        theta.sum().backward()
        loss = theta.sum()
        with pytest.raises(ConfigError, match=message):
            loss.backward()


def test_what_is_frozen_is_sent_as_nothing(sent: Sent) -> None:
    theta, frozen = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3), requires_grad=False)
    summing = GradientSum([theta, frozen], None)
    with summing.during():
        theta.sum().backward()
    summing.begin([theta.grad, None])
    assert sent.sizes == [5 + 2]
    assert summing.wait()[1] is None
