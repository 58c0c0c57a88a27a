"""A model that is lent to a search, and comes back as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def kept_generation(model: Any) -> Iterator[None]:
    """Put a model in evaluation mode for the block; its mode and its generation settings are restored after it."""
    was_training, settings = model.training, model.generation_config
    model.eval()
    try:
        yield
    finally:
        model.generation_config = settings
        model.train(was_training)
