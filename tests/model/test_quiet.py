"""Silence of transformers."""

from collections.abc import Iterator

import pytest
from transformers.utils import logging

from catscale.model.quiet import be_quiet


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Put transformers' loudness back."""
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    yield
    logging.set_verbosity(before)
    (logging.enable_progress_bar if bars else logging.disable_progress_bar)()


def test_progress_bars_and_advice_are_off_and_errors_stay(capsys: pytest.CaptureFixture[str]) -> None:
    logging.set_verbosity_info()
    logging.enable_progress_bar()
    be_quiet()
    logger = logging.get_logger("transformers.tests")
    assert not logger.isEnabledFor(logging.WARNING)
    assert logger.isEnabledFor(logging.ERROR)
    assert not logging.is_progress_bar_enabled()
    assert list(logging.tqdm([1, 2], desc="a bar")) == [1, 2]
    assert capsys.readouterr().err == ""
