import subprocess
import sys

import pytest

from catscale.system.promises import promise, require


def test_what_holds_is_passed_over() -> None:
    require(True, "never said")
    promise(True, "never said")


def test_what_does_not_hold_is_said_as_it_is() -> None:
    with pytest.raises(AssertionError, match=r"^a and b are equal, found 1 and 2$"):
        require(False, "a and b are equal, found 1 and 2")


def test_a_broken_promise_is_called_one() -> None:
    with pytest.raises(AssertionError, match=r"^broken promise: weights are finite$"):
        promise(False, "weights are finite")


def test_an_optimising_interpreter_checks_too() -> None:
    code = "from catscale.system.promises import promise; promise(False, 'it is kept')"
    done = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "broken promise: it is kept" in done.stderr
