"""Progress bars of transformers are off inside the block, and as they were after it."""

import pytest
from transformers.utils import logging

from catscale.evaluation.quiet import no_progress_bars


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
