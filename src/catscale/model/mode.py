"""The mode of a model for a time: training, with dropout, or evaluation, without."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch.nn import Module


@contextmanager
def in_mode(model: Module, is_training: bool) -> Iterator[None]:
    """Put a model in a mode inside the block, and back in the mode it was in.

    Args:
        model: The model, all of whose modules are put in it.
        is_training: Whether that is training mode.
    """
    was_training = model.training
    model.train(is_training)
    try:
        yield
    finally:
        model.train(was_training)
