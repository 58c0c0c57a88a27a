import os
import signal
import threading

import pytest

from catscale.training.signals import InterruptFlag

SIGNALS = [getattr(signal, f"SIG{name}") for name in ("INT", "TERM", "HUP", "USR1", "USR2", "XCPU")]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_handlers_come_back(number):
    before = [signal.getsignal(n) for n in SIGNALS]
    with InterruptFlag() as flag:
        assert not flag.is_set
        os.kill(os.getpid(), number)
        assert flag.is_set
    assert [signal.getsignal(n) for n in SIGNALS] == before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_a_warning_that_is_ignored_stays_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with InterruptFlag() as flag:
            os.kill(os.getpid(), number)
            assert not flag.is_set
    finally:
        signal.signal(number, before)


@pytest.mark.usefixtures("interruptible")
def test_the_second_acts_at_once():
    with InterruptFlag() as flag:
        os.kill(os.getpid(), signal.SIGINT)
        assert flag.is_set
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_outside_the_main_thread_it_does_nothing():
    found = []

    def enter() -> None:
        with InterruptFlag() as flag:
            found.append(flag.is_set)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [False]
