"""Tasks of a preparation on several processes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import catscale
from catscale import errors
from catscale.data.preparation.tasks import PreparationTask, Result, TaskRunner
from catscale.errors import CatscaleError


class WorkerPool:
    """Does tasks in this process, or in worker processes, which end with the pool.

    The workers are new interpreters, not copies of this one: nothing that is loaded here is loaded there.

    Args:
        runner: The work of a task.
        jobs: Worker processes at most, which are started when there is work for them; 1 for none.
    """

    def __init__(self, runner: TaskRunner, jobs: int) -> None:
        self._stages = runner
        self._jobs, self._workers = jobs, list[Worker]()

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()

    def run(self, tasks: Sequence[PreparationTask]) -> dict[PreparationTask, Result]:
        """Do all tasks, the first ones first.

        Returns:
            The result of each, in their order.

        Raises:
            CatscaleError: The first one that a task raised; the others are stopped.
        """
        if self._jobs == 1 or len(tasks) < 2:
            return {task: self._stages.run(task) for task in tasks}
        while len(self._workers) < min(self._jobs, len(tasks)):
            self._workers.append(Worker(self._stages))
        queue: SimpleQueue[PreparationTask] = SimpleQueue()
        for task in tasks:
            queue.put(task)
        found: dict[PreparationTask, Result] = {}
        failures: list[BaseException] = []
        with ThreadPoolExecutor(len(self._workers)) as threads:
            try:
                for worker in self._workers:
                    threads.submit(self._serve, worker, queue, found, failures)
                threads.shutdown()
            except BaseException:  # Ctrl-C
                self.__exit__()
                raise
        if failures:
            raise failures[0]
        return {task: found[task] for task in tasks}

    def _serve(
        self,
        worker: "Worker",
        queue: "SimpleQueue[PreparationTask]",
        found: dict[PreparationTask, Result],
        failures: list[BaseException],
    ) -> None:
        """Give a worker one task after the other."""
        while not failures:
            try:
                task = queue.get_nowait()
            except Empty:
                return
            try:
                found[task] = worker.do(task, self._stages.advance)
            except BaseException as error:
                failures.append(error)
                self.__exit__()  # the other workers


class Worker:
    """One worker process."""

    def __init__(self, runner: TaskRunner) -> None:
        source = str(Path(catscale.__file__).parents[1])
        path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "catscale.data.preparation.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path},
            encoding="utf-8",
        )
        self._send({"config": runner.config.model_dump(mode="json"), "folder": str(runner.work.folder)})

    def do(self, task: PreparationTask, advance: Callable[[int], None]) -> Result:
        """Have a task done.

        Raises:
            CatscaleError: If the task raised it, or the process died.
        """
        self._send(task.to_json())
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if "pairs" in answer:
                advance(answer["pairs"])
            elif "error" in answer:
                raise getattr(errors, answer["kind"])(answer["error"])
            else:
                return dict(answer["result"])
        raise CatscaleError(
            f"the process that did {task.name} ended with status {self._process.wait()}: its messages stand above; if "
            "the memory was used up, prepare with fewer --jobs; what is done is kept, the same command goes on"
        )

    def _send(self, content: Any) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(content) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # reading its output will tell
            return

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
