import signal

import pytest

from catscale.system.stopping import ASKED, WARNINGS, heeded


def test_they_are_those_of_posix_and_of_batch_systems():
    assert {number.name for number in (*ASKED, *WARNINGS)} == {
        *("SIGINT", "SIGTERM", "SIGHUP"),
        *("SIGUSR1", "SIGUSR2", "SIGXCPU"),
    }


@pytest.mark.parametrize("number", WARNINGS)
def test_a_warning_that_is_ignored_is_not_heeded(number):
    assert number in heeded()
    before = signal.signal(number, signal.SIG_IGN)
    try:
        assert number not in heeded()
    finally:
        signal.signal(number, before)
