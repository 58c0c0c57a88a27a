"""Silence of transformers."""

from collections.abc import Iterator

import pytest
from transformers.utils import logging

from catscale.model.quiet import be_quiet, no_progress_bars


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


def fail() -> None:
    with no_progress_bars():
        assert not logging.is_progress_bar_enabled()
        raise KeyError


@pytest.mark.parametrize("shown", [True, False])
def test_bars_are_as_they_were_even_after_an_error(shown: bool) -> None:
    was = logging.is_progress_bar_enabled()
    try:
        (logging.enable_progress_bar if shown else logging.disable_progress_bar)()
        with pytest.raises(KeyError):
            fail()
        assert logging.is_progress_bar_enabled() == shown
    finally:
        (logging.enable_progress_bar if was else logging.disable_progress_bar)()
