"""The mode of a model for a time."""

import pytest
from torch.nn import Dropout, Sequential

from catscale.model.mode import in_mode


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("inside", [True, False])
def test_the_mode_is_that_of_before_afterwards(before: bool, inside: bool) -> None:
    model = Sequential(Dropout()).train(before)
    with in_mode(model, inside):
        assert (model.training, model[0].training) == (inside, inside)
    assert (model.training, model[0].training) == (before, before)


def test_an_error_puts_it_back_too() -> None:
    model = Sequential(Dropout()).train()
    with pytest.raises(KeyError), in_mode(model, False):
        raise KeyError
    assert model.training
