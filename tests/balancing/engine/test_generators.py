"""A second pass sees the random numbers of the first."""

import torch

from catscale.balancing.engine.generators import RandomState


def test_numbers_are_drawn_again_from_a_captured_state() -> None:
    state = RandomState.capture(torch.device("cpu"))
    first = torch.rand(5)
    torch.rand(3)
    state.restore()
    assert torch.rand(5).equal(first)
    assert state.cuda is None
