"""`catscale`: arguments in, exit status out."""

import errno
import os
import signal
import threading

import pytest
import torch

from catscale.cli import commands
from catscale.cli import main as module
from catscale.cli.main import WITH_TORCH, explain, main, prepare_libraries, termination_interrupts
from catscale.cli.parser import build_parser
from catscale.errors import CatscaleError, ConfigError, DivergedError, Interrupted


def told_elsewhere() -> CatscaleError:
    error = ConfigError("the message")
    error.is_told = True
    return error


@pytest.mark.parametrize(
    ("error", "said", "status"),
    [
        (ConfigError("the message"), r"the message", 2),
        (DivergedError("the loss is NaN"), r"the loss is NaN", 3),
        (Interrupted("saved"), r"saved", 130),
        (told_elsewhere(), r"", 2),
        (KeyboardInterrupt(), r"interrupted", 130),
        (OSError(errno.ENOSPC, "No space left on device", "a/b"),
         r"a/b: No space left on device; check permissions and free space", 2),
        (OSError("odd"), r"odd; check permissions and free space", 2),
    ],
)  # fmt: skip
def test_what_is_said_of_an_error(error, said, status):
    assert explain(error) == (said, status)


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried\nmore text")])
def test_no_memory_left(error):
    message, status = explain(error)
    assert status == 2
    assert message is not None
    assert message.startswith("out of memory (")
    assert "more text" not in message
    assert "ask for less: a smaller training.sub_batch_tokens" in message


def test_text_that_the_environment_cannot_write():
    message, status = explain(UnicodeEncodeError("ascii", "ä" * 500, 0, 1, "ordinal not in range"))
    assert status == 2
    assert message is not None
    assert "encoding (ascii); set LC_ALL=C.UTF-8 or PYTHONUTF8=1" in message
    assert message.count("ä") == 80


@pytest.mark.parametrize("error", [ValueError("x"), ZeroDivisionError(), KeyError("x")])
def test_a_defect_of_ours_keeps_its_traceback(error, monkeypatch):
    assert explain(error) == (None, 1)

    def fail(options, say):
        raise error

    monkeypatch.setattr(commands, "run_completion", fail)
    with pytest.raises(type(error)):
        main(["completion", "bash"])


def test_a_reader_that_has_seen_enough_is_no_mistake(monkeypatch, capsys):
    def fail(options, say):
        raise BrokenPipeError

    monkeypatch.setattr(commands, "run_completion", fail)
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().err == ""


def test_a_mistake_is_one_line_and_its_status(monkeypatch, capsys):
    def fail(options, say):
        raise DivergedError("the loss is NaN")

    monkeypatch.setattr(commands, "run_completion", fail)
    assert main(["completion", "bash"]) == 3
    assert capsys.readouterr() == ("", "catscale: the loss is NaN\n")


def test_other_signals_are_what_ctrl_c_is_and_only_meanwhile():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), termination_interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_in_another_thread_signals_stay(monkeypatch):
    passed: list[bool] = []

    def work() -> None:
        with termination_interrupts():
            passed.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert passed == [True]


def test_libraries_are_quiet_unless_the_user_says_otherwise(monkeypatch):
    monkeypatch.delenv("TRANSFORMERS_VERBOSITY", raising=False)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    monkeypatch.setattr(module, "stay_offline", lambda: None)
    prepare_libraries()
    assert (os.environ["TRANSFORMERS_VERBOSITY"], os.environ["TOKENIZERS_PARALLELISM"]) == ("error", "true")


def test_every_command_of_the_parser_has_its_function():
    [sub] = [action for action in build_parser()._actions if action.dest == "command"]
    names = set(sub.choices or ())
    assert names == {name.removeprefix("run_") for name in vars(commands) if name.startswith("run_")}
    assert set(WITH_TORCH) <= names
