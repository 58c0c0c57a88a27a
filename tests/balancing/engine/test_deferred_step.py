"""A step that is read later is the step that is read at once, and the device knows whether it is finite."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import pytest
import torch
from benchmarks.counts import count_step
from torch import Tensor

from catscale.balancing import CATS, METHODS, TaskBalancer
from catscale.balancing.engine import reading
from catscale.balancing.engine.optional_members import reads_losses
from catscale.balancing.methods.dro import DRO
from catscale.balancing.methods.famo import FAMO
from catscale.balancing.methods.fixed import Fixed
from catscale.errors import ConfigError, DivergedError
from tests.unchecked import unchecked

DATA = torch.tensor([[1.0, 2.0, 3.0], [3.0, 0.5, 1.0]])


class Toy:
    """Two tasks on one layer."""

    def __init__(self, method: Any, scales: tuple[float, float] = (1.0, 1.0)) -> None:
        torch.manual_seed(1)
        self.layer, self.scales = torch.nn.Linear(3, 1, bias=False), scales
        self.balancer = TaskBalancer(method, ["a", "b"], self.layer.parameters())

    def losses(self) -> dict[str, Callable[[], Tensor]]:
        return {name: partial(self.loss, place) for place, name in enumerate("ab")}

    def loss(self, place: int) -> Tensor:
        return (self.layer(DATA[place]) - 1).square().sum() * self.scales[place]

    @property
    def gradient(self) -> Tensor:
        found = self.layer.weight.grad
        assert found is not None
        return found


def report() -> Tensor:
    return torch.tensor([7.0, 8.0])


@pytest.mark.parametrize("method", [Fixed(task_weights=[1.0, 3.0]), CATS(inner_steps=3)], ids=["fixed", "cats"])
@pytest.mark.parametrize("is_mixed", [False, True])
def test_it_is_the_step_that_is_read_at_once(method: Any, is_mixed: bool) -> None:
    one, two = Toy(method), Toy(method)
    for _ in range(2):
        made = [{"a": toy.loss(0), "b": toy.loss(1)} for toy in (one, two)]
        batches = [(lambda made=made: made) if is_mixed else None for made in made]
        expected = one.balancer.backward(one.losses(), report=report, batch=batches[0])
        deferred = two.balancer.backward_deferred(two.losses(), report=report, batch=batches[1])
        assert two.gradient.equal(one.gradient)
        assert two.balancer.state_dict().keys() == one.balancer.state_dict().keys()
        assert str(two.balancer.state_dict()) == str(one.balancer.state_dict())
        assert deferred.read() == expected
        assert deferred.weights == expected.weights
        assert deferred.spoilt.item() == 0
        norm = deferred.norms.over([two.layer.weight])
        assert norm is not None
        assert norm.item() == pytest.approx(two.gradient.norm().item())


def test_nothing_of_it_is_waited_for() -> None:
    toy = Toy(Fixed())
    assert count_step(toy.layer, lambda: toy.balancer.backward(toy.losses(), report=report)).waits == {"cpu": 1}
    deferred = count_step(toy.layer, lambda: toy.balancer.backward_deferred(toy.losses(), report=report))
    assert deferred.synchronisations == 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite(value: float) -> None:
    toy = Toy(Fixed(), (1.0, value))
    deferred = toy.balancer.backward_deferred(toy.losses())
    assert deferred.spoilt.equal(torch.tensor(1.0))
    with pytest.raises(DivergedError, match="the loss of task 'b' must be finite") as caught:
        deferred.read()
    assert (caught.value.what, caught.value.task) == ("loss", "b")


def test_a_gradient_that_is_not_finite() -> None:
    toy = Toy(Fixed())
    toy.layer.weight.register_hook(lambda gradient: gradient * math.nan)
    deferred = toy.balancer.backward_deferred(toy.losses())
    assert deferred.spoilt.item() == 1
    with pytest.raises(DivergedError, match="the combined gradient of the tasks a, b must be finite") as caught:
        deferred.read()
    assert caught.value.what == "gradient"


def test_a_report_may_hold_anything() -> None:
    toy = Toy(Fixed())
    deferred = toy.balancer.backward_deferred(toy.losses(), report=lambda: torch.tensor([math.nan]))
    assert deferred.spoilt.item() == 0
    assert math.isnan(deferred.read().report[0])


def test_which_steps_may_defer() -> None:
    balancer: Any = Toy(CATS(inner_steps=3)).balancer
    found = []
    for _ in range(6):
        found.append(balancer.may_defer)
        balancer.state = replace(balancer.state, steps=balancer.state.steps + 1)
    assert found == [True, True, False] * 2
    deferred = {name for name, make in METHODS.items() if Toy(make()).balancer.may_defer}
    assert deferred == {"fixed", "cats"}


@pytest.mark.parametrize("method", [FAMO(), DRO(), CATS(inner_steps=1)], ids=["famo", "dro", "cats"])
def test_one_that_decides_what_follows_is_refused(method: Any) -> None:
    toy = Toy(method)
    before = str(toy.balancer.state_dict())
    with pytest.raises(ConfigError, match="call backward where may_defer is False"):
        toy.balancer.backward_deferred(toy.losses())
    assert str(toy.balancer.state_dict()) == before
    toy.balancer.backward(toy.losses())


class Undecided(Fixed):
    """Finds its weights in the step."""

    reads_losses: ClassVar[bool] = False

    def weights(self, state: Any, task_ids: Tensor) -> Any:
        return None


def test_one_that_finds_its_weights_in_the_step_is_read_at_once() -> None:
    assert not Toy(Undecided()).balancer.may_defer


def test_it_can_be_repeated_as_one_that_was_read() -> None:
    one, two = Toy(Fixed(task_weights=[1.0, 3.0])), Toy(Fixed(task_weights=[1.0, 3.0]))
    one.balancer.backward(one.losses())
    two.balancer.backward_deferred(two.losses())
    for toy in (one, two):
        toy.layer.weight.grad = None
        toy.balancer.repeat(toy.losses())
    assert two.gradient.equal(one.gradient)


def test_neither_inside_the_other() -> None:
    toy = Toy(Fixed())

    def inside() -> Tensor:
        toy.balancer.backward_deferred(toy.losses())
        return toy.loss(0)

    with pytest.raises(ConfigError, match="backward was called inside one of its losses"):
        toy.balancer.backward({"a": inside})
    assert toy.layer.weight.grad is None


def test_what_would_fail_later_is_refused_at_once() -> None:
    toy = Toy(CATS(metric="adam"))
    with pytest.raises(ConfigError, match="use_metric_of"):
        toy.balancer.backward_deferred(toy.losses())


class Follows(Fixed):
    """Weights by the latest losses, though what it derives from looks at none."""

    def step(self, state: Any, signals: Any) -> Any:
        return self.weights(state, signals.task_ids), replace(state, values=signals.losses)


class SaysSo(Follows):
    """Says that it does not look at losses, where it has no step of its own."""

    reads_losses: ClassVar[bool] = False


class OtherName(CATS):
    """Changes nothing that matters."""

    def describe(self, state: Any) -> dict[str, Any]:
        return {}


class OfNothing:
    """Derives from nothing, and says nothing."""

    def step(self, state: Any, signals: Any) -> Any: ...


@pytest.mark.parametrize(
    ("method", "expected"),
    [(Fixed(), False), (OtherName(), False), (Follows(), True), (SaysSo(), False), (FAMO(), True), (OfNothing(), True)],
)
def test_a_step_of_one_s_own_is_not_taken_for_one_that_reads_no_losses(method: Any, expected: bool) -> None:
    assert reads_losses(method) is expected


class Elsewhere(torch.Tensor):
    """Numbers that claim to be on another device."""

    device = property(lambda self: torch.device("meta", 1))


def test_it_is_read_when_its_numbers_have_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device an event after the copy, on the stream of the copy, is waited for; in `read` alone."""
    told: list[str] = []

    class Event:
        def __init__(self, device: torch.device) -> None:
            assert device == torch.device("meta", 1)

        def record(self, stream: str) -> None:
            told.append(f"recorded on {stream}")

        def synchronize(self) -> None:
            told.append("waited")

    copy = torch.Tensor.to

    def copying(tensor: Tensor, *arguments: Any, **settings: Any) -> Any:
        told.append(f"copied to {arguments[0]}")
        return copy(tensor, *arguments, **settings)

    monkeypatch.setattr(torch, "Event", Event)
    monkeypatch.setattr(torch.accelerator, "current_stream", lambda device: f"the stream of {device}")
    monkeypatch.setattr(Elsewhere, "to", copying)
    sent = reading.SentNumbers(torch.zeros(2).as_subclass(Elsewhere), 1, unchecked(None))
    assert told == ["copied to cpu", "recorded on the stream of meta:1"]
    monkeypatch.setattr(reading, "_unpack", lambda *arguments: told.append("read"))
    sent.wait()
    assert told[2:] == ["waited", "read"]
