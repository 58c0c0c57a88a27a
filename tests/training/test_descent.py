"""A training step's descent, twice: the same objective, and nothing else moved."""

from typing import Any

import pytest
import torch

from catscale.balancing import METHODS, TaskBalancer
from catscale.balancing.methods.cats import CATS
from catscale.errors import DivergedError
from catscale.optimisation.sam import SAM
from catscale.training.descent import StepDescent
from tests.training.two_tasks import TASKS, Net
from tests.training.two_tasks import prepare as prepare_step


def prepare() -> tuple[Net, TaskBalancer, StepDescent]:
    net, descent = prepare_step(CATS(inner_steps=1))
    return net, descent.balancer, descent


def test_a_repetition_has_the_same_masks_and_leaves_the_random_numbers_and_the_state() -> None:
    net, balancer, descent = prepare()
    before = balancer.state
    seen = descent()
    first = [p.grad.clone() for p in net.parameters() if p.grad is not None]
    state, after = balancer.state, torch.get_rng_state()
    assert state is not before
    net.zero_grad()
    descent.repeat()
    assert all(torch.equal(a, p.grad) for a, p in zip(first, net.parameters(), strict=True) if p.grad is not None)
    assert balancer.state is state
    assert torch.get_rng_state().equal(after)
    assert set(seen.losses) == set(TASKS)


def test_a_step_of_sam_moves_the_weights_of_the_tasks_once() -> None:
    _, balancer, descent = prepare()
    descent()
    once = balancer.weights
    net, balancer, descent = prepare()
    given: dict[str, Any] = {"from": 0.0, "rho": 0.5}
    settings = SAM(**given)
    seen = settings.take(settings.build(dict(net.named_parameters())), descent, 1)
    assert balancer.weights == once
    assert seen.weights == {"a": 0.5, "b": 0.5}


def test_a_repetition_that_fails_leaves_the_random_numbers_too() -> None:
    _, _, descent = prepare()
    descent()
    after = torch.get_rng_state()

    def stop() -> torch.Tensor:
        raise DivergedError("the loss of a task is not finite")

    descent.prepared.losses["b"][0] = stop
    with pytest.raises(DivergedError, match="the loss of a task is not finite"):
        descent.repeat()
    assert torch.get_rng_state().equal(after)


def test_the_price_of_curvature_is_that_of_the_state_before_the_step() -> None:
    """λ_c per ‖Σ w_n g_n‖²: over the mean of the ‖g_n‖², and over Σ w_n, which is 2 for two tasks of tokens."""
    method = CATS(inner_steps=1, multiplier_init=0.5, losses="tokens")
    _, descent = prepare_step(method)
    assert descent.price_of_curvature() is None
    seen = descent()
    assert seen.gradient_norms is not None
    square = sum(norm**2 for norm in seen.gradient_norms.values()) / 2
    assert descent.price_of_curvature() == pytest.approx(0.5 / square / 2)
    for settings, price in (({"normalise": False}, 0.25), ({"formulation": "paper", "alpha_lr": 0.0}, 0.5)):
        _, descent = prepare_step(CATS(**method.model_dump() | settings))
        descent()
        assert descent.price_of_curvature() == pytest.approx(price)


def test_there_is_no_price_in_a_step_that_measures_nothing_and_of_a_method_that_knows_none() -> None:
    for method in (CATS(inner_steps=5), METHODS["mgda"]()):
        _, descent = prepare_step(method)
        descent()
        assert descent.price_of_curvature() is None
