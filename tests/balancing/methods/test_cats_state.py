"""The state that CATS begins with, and that it is carried on by names."""

from dataclasses import fields, replace

import torch

from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.cats_state import CATSState


def test_it_begins_with_equal_weights_and_nothing_seen() -> None:
    state = CATS().init(4)
    assert isinstance(state, CATSState)
    assert state.alpha.tolist() == [0.25] * 4
    assert state.floor_multipliers.tolist() == [0.0] * 4
    assert (state.curvature_multiplier.item(), state.simplex_multiplier.item(), state.steps) == (1.0, 0.0, 0)
    assert state.curvature.isnan()


def test_every_number_is_float64_but_the_steps() -> None:
    state = CATS().init(3)
    tensors = [getattr(state, field.name) for field in fields(state) if field.name != "steps"]
    assert {tensor.dtype for tensor in tensors} == {torch.float64}


def test_a_state_that_names_no_steps_is_one_of_the_start() -> None:
    state = replace(CATS().init(2), steps=5)
    tensors = {field.name: getattr(state, field.name) for field in fields(state) if field.name != "steps"}
    assert CATSState(**tensors).steps == 0
