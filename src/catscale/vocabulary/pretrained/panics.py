"""The panics of the tokenizers library, which are no `Exception`: what it makes of a damaged rule for text."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def panics_told() -> Iterator[None]:
    """Turn a panic inside of the block into an error.

    Raises:
        ValueError: If there is one.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # which no module exports
            raise
        raise ValueError(f"its rule for text is damaged ({str(error)[:200]})") from error
