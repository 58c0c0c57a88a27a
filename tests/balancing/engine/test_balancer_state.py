"""The state of a balancer: saved, restored, refused."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch

from catscale import CATS, TaskBalancer
from catscale.errors import CheckpointError
from tests.balancing.networks import TASKS, as_callables, batches, network


def test_weights_are_those_of_the_next_step() -> None:
    model = network()
    made = TaskBalancer(CATS(inner_steps=2, alpha_lr=0.1), TASKS, model.shared())
    for _ in range(6):
        promised = made.weights
        assert made.backward(as_callables(model, batches())).weights == promised
        model.zero_grad()
    assert len(set(promised.values())) == 3
    assert sum(promised.values()) == pytest.approx(1)


def test_a_restored_balancer_continues_bit_for_bit() -> None:
    model, twin = network(), network()
    made = TaskBalancer(CATS(inner_steps=3), TASKS, model.shared())
    for _ in range(4):
        made.backward(as_callables(model, batches()))
    restored = TaskBalancer(CATS(inner_steps=3), TASKS, twin.shared())
    restored.load_state_dict(made.state_dict())
    for _ in range(5):
        one = made.backward(as_callables(model, batches()))
        two = restored.backward(as_callables(twin, batches()))
        assert one == two


@dataclass(frozen=True)
class Damage:
    change: Callable[[dict], dict]
    message: str


@pytest.mark.parametrize(
    "damage",
    [
        Damage(lambda c: c | {"method": "fixed"}, "saved balancer is 'fixed' over .* this one is 'cats'"),
        Damage(lambda c: c | {"tasks": ["a", "c", "b"]}, r"over \['a', 'c', 'b'\]"),
        Damage(lambda c: c | {"state": c["state"] | {"alpha": torch.ones(2).double()}}, "found alpha missing"),
        Damage(lambda c: c | {"state": c["state"] | {"alpha": torch.ones(3)}}, "found alpha missing"),
        Damage(lambda c: c | {"state": c["state"] | {"alpha": [1.0] * 3}}, "found alpha missing"),
        Damage(lambda c: c | {"state": c["state"] | {"steps": None}}, "found steps missing"),
        Damage(lambda c: c | {"state": c["state"] | {"more": 1}}, "found more missing, unknown"),
        Damage(lambda c: c | {"state": {"alpha": torch.ones(3).double()}}, "curvature, curvature_multiplier"),
    ],
    ids=lambda d: d.message[:20],
)
def test_a_state_that_does_not_fit_is_refused(damage: Damage) -> None:
    made = TaskBalancer(CATS(), TASKS, network().shared())
    before = made.state
    with pytest.raises(CheckpointError, match=damage.message):
        made.load_state_dict(damage.change(made.state_dict()))
    assert made.state is before
