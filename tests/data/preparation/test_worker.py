"""A process that does tasks: its answers, and its end."""

import io
import json
import subprocess
import sys

import pytest

from catscale.data.direction import Direction
from catscale.data.preparation.tasks import PreparationTask
from catscale.data.preparation.worker import answer, say
from catscale.errors import ConfigError, DataError
from tests.unchecked import unchecked

TASK = PreparationTask("clean", Direction("en", "de"), "dev")


class Runner:
    """Does a task, or fails at it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def run(self, task: PreparationTask) -> dict[str, str]:
        if self.error is not None:
            raise self.error
        return {"done": task.name}


def test_a_result_is_an_answer() -> None:
    assert answer(unchecked(Runner()), TASK) == {"result": {"done": "clean.dev.en-de"}}


@pytest.mark.parametrize("error", [DataError("a file is gone; restore it"), ConfigError("no such key; correct it")])
def test_an_error_for_the_user_is_an_answer_with_its_kind(error: Exception) -> None:
    expected = {"error": str(error), "kind": type(error).__name__}
    assert answer(unchecked(Runner(error)), TASK) == expected


def test_a_fault_of_ours_ends_the_process() -> None:
    with pytest.raises(ZeroDivisionError, match="by zero"):
        answer(unchecked(Runner(ZeroDivisionError("by zero"))), TASK)


def test_an_answer_is_a_line_and_is_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(unchecked(raw)), encoding="utf-8"))
    say({"error": "line\nbreak", "pairs": 3})
    assert raw.getvalue().count(b"\n") == 1
    assert json.loads(raw.getvalue()) == {"error": "line\nbreak", "pairs": 3}


def test_a_worker_ends_when_nobody_listens(tmp_path):
    worker = subprocess.Popen(
        [sys.executable, "-m", "catscale.data.preparation.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    data = {"format": "moses", "path": ".", "directions": ["en-de"]}
    worker.stdin.write(json.dumps({"config": data, "folder": str(tmp_path)}).encode() + b"\n")
    worker.stdin.close()
    assert worker.wait(timeout=60) == 0
