"""Several runs at a time, each in processes of its own, with a bar a run."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from catscale.errors import CatscaleError, DivergedError
from catscale.training.metrics import read_metrics


@dataclass
class Job:
    """Commands that follow each other, and where to read how far they are.

    Attributes:
        name: Shown to the user.
        commands: Command lines.
        log: File of their output.
        run: The folder whose `metrics.jsonl` is watched.
        steps: Steps of its training.
    """

    name: str
    commands: list[list[str]]
    log: Path
    run: Path
    steps: int
    process: "subprocess.Popen[bytes] | None" = None
    started: int = field(default=0)

    def start_next(self) -> None:
        """Start the next command, one thread each, output appended to the log."""
        with self.log.open("ab" if self.started else "wb") as file:
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            command = self.commands[self.started]
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
        self.started += 1

    def is_done(self) -> bool:
        """Whether the last command has ended; starts the next one when one has.

        Raises:
            CatscaleError: With the log's last lines, if one failed.
        """
        if self.process is None or self.process.poll() is None:
            return False
        if self.process.returncode:
            tail = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
            kind = DivergedError if self.process.returncode == DivergedError.exit_status else CatscaleError
            raise kind(
                f"{self.name} ended with status {self.process.returncode}; the last lines of {self.log}:\n{tail}"
            )
        if self.started < len(self.commands):
            self.start_next()
            return False
        return True

    def position(self) -> tuple[int, str]:
        """The latest step on record, and a word on it."""
        path = self.run / "metrics.jsonl"
        records = read_metrics(path) if path.exists() else []
        step = records[-1]["step"] if records else 0
        valid = [record["mean"] for record in records if record["kind"] == "valid"]
        doing = "evaluating" if self.started == len(self.commands) else "training" if step else "starting"
        return step, f"{doing}  validation nll {valid[-1]:.3f}" if valid else doing


def run_jobs(jobs: Sequence[Job], at_once: int, say: Callable[[str], None]) -> None:
    """Run all jobs, `at_once` at a time: bars on a terminal, a line for each news otherwise.

    Raises:
        CatscaleError: If a command fails; the others are stopped.
    """
    console = Console(stderr=True, highlight=False)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    waiting, running = list(jobs), list[Job]()
    with Progress(
        *columns, TextColumn("{task.fields[note]}"), console=console, disable=not console.is_terminal
    ) as bars:
        rows = {job.name: bars.add_task(job.name, total=job.steps, note="waiting", start=False) for job in jobs}
        news = dict.fromkeys(rows, "")
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    running.append(waiting.pop(0))
                    running[-1].start_next()
                    bars.start_task(rows[running[-1].name])
                time.sleep(0.5)
                for job in list(running):
                    done = job.is_done()
                    _show(job, done, bars, rows[job.name], news, None if console.is_terminal else say)
                    if done:
                        running.remove(job)
        finally:
            _stop(running)


def _show(
    job: Job, done: bool, bars: Progress, row: TaskID, news: dict[str, str], say: Callable[[str], None] | None
) -> None:
    """Move a job's bar; say what is new where there are no bars."""
    step, note = job.position()
    note = "done" if done else note
    bars.update(row, completed=step, note=note)
    if done:
        bars.stop_task(row)
    if say is not None and note != news[job.name]:
        say(f"{job.name}: step {step} of {job.steps}, {note}")
    news[job.name] = note


def _stop(jobs: Sequence[Job]) -> None:
    """Ask what still runs to stop, and wait until it has saved its state."""
    for job in jobs:
        if job.process is not None:
            job.process.terminate()
    for job in jobs:
        if job.process is not None:
            job.process.wait()
