"""A process that does tasks of a preparation: `python -m catscale.data.preparation.worker`.

Standard input: a line of settings, then a line per task. Standard output: lines `{"pairs": n}` as it goes on, and for
each task `{"result": …}` or `{"error": …, "kind": …}`. It ends, whatever it is doing, when its input is closed, as
it is when the process that started it dies.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from catscale import errors
from catscale.data.config import DataConfig
from catscale.data.preparation.tasks import PreparationTask, TaskRunner
from catscale.data.preparation.work_folder import WorkFolder
from catscale.system.writing.places import working_in


def main() -> None:
    """Do the tasks that come in."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process decides
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to the log
    settings = json.loads(sys.stdin.readline())
    runner = TaskRunner(
        DataConfig.model_validate(settings["config"]), WorkFolder(Path(settings["folder"])), lambda n: say({"pairs": n})
    )
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=listen, args=(lines,), daemon=True).start()
    with working_in(runner.work.folder):
        while True:
            say(answer(runner, PreparationTask.from_json(json.loads(lines.get()))))


def listen(lines: "SimpleQueue[str]") -> None:
    """Pass on what comes in; the end of it is the end of this process."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def answer(runner: TaskRunner, task: PreparationTask) -> dict[str, Any]:
    """Do a task; errors meant for the user are an answer too."""
    try:
        return {"result": runner.run(task)}
    except errors.CatscaleError as error:
        return {"error": str(error), "kind": type(error).__name__}


def say(content: dict[str, Any]) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
