"""Keeping transformers silent, for good or for a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging


def be_quiet() -> None:
    """Silence transformers' progress bars and advice, which would break our own lines."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Switch transformers' progress bars off inside the block."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
