"""Settings of all tests."""

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

pytest.register_assert_rewrite(
    "tests.faults.same", "tests.run_records"
)  # its asserts say what differs, as those of test files
settings.register_profile(
    "catscale", deadline=None
)  # a busy machine is no counterexample; pytest-timeout stops what hangs
settings.load_profile("catscale")
# Collecting ten thousand tests makes objects that stay: looking for garbage among them took a quarter of its time.
gc.disable()
# GNU readline sets the size of a terminal in the process that starts pytest-xdist's workers, which inherit it.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)


def pytest_collection_finish() -> None:
    """Look for garbage from now on, and not among what collecting has made."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _nobody_waits_for_the_disk() -> Iterator[None]:
    """What a test writes need not survive a loss of power; programs that tests start flush as they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", check_descriptor)
        yield


def check_descriptor(descriptor: int) -> None:
    """Raise the error that a flush of what is no open file raises."""
    os.fstat(descriptor)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT interrupts, as it would not in a shell's background job, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
