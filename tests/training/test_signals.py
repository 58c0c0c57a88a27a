import os
import signal
import threading

import pytest

from catscale.training.signals import InterruptFlag


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_noted_and_handlers_come_back(number):
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with InterruptFlag() as flag:
        assert not flag.is_set
        os.kill(os.getpid(), number)
        assert flag.is_set
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


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
