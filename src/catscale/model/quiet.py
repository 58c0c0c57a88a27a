"""Keeping transformers silent."""

from transformers.utils import logging


def be_quiet() -> None:
    """Silence transformers' progress bars and advice, which would break our own lines."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
