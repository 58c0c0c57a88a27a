"""Several runs at a time, each in processes of its own, with a bar a run."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeElapsedColumn

from catscale.errors import CatscaleError, DivergedError
from catscale.system.files import append_to
from catscale.system.progress import label_column
from catscale.system.safe_text import for_terminal
from catscale.system.terminal import make_console
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
        threads: Of the processor, for each command.
    """

    name: str
    commands: list[list[str]]
    log: Path
    run: Path
    steps: int
    threads: int = 1
    process: "subprocess.Popen[bytes] | None" = None
    started: int = field(default=0)

    def start_next(self) -> None:
        """Start the next command, output appended to the log."""
        with append_to(self.log, None if self.started else 0) as file:
            environment = os.environ | {"OMP_NUM_THREADS": str(self.threads)}
            command = self.commands[self.started]
            # A group of its own: Ctrl-C reaches us alone, and we ask each job once to save its state and stop.
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                process_group=0,
            )
        self.started += 1

    def is_done(self) -> bool:
        """Whether the last command has ended; starts the next one when one has.

        Raises:
            CatscaleError: With the log's last lines, if one failed.
        """
        if self.process is None or self.process.poll() is None:
            return False
        if self.process.returncode:
            output = self.log.read_text(encoding="utf-8", errors="replace")
            _, ours, message = output.rpartition("\ncatscale: ")
            tail = message.rstrip() if ours else "\n".join(output.splitlines()[-5:])
            kind = DivergedError if self.process.returncode == DivergedError.exit_status else CatscaleError
            raise kind(f"{self.name} ended with status {self.process.returncode}; see {self.log}:\n{tail}")
        if self.started < len(self.commands):
            self.start_next()
            return False
        return True

    def position(self) -> tuple[int, str]:
        """The latest step on record, and a word on it."""
        path = self.run / "metrics.jsonl"
        records = read_metrics(path) if path.exists() else []
        step = records[-1]["step"] if records else 0
        valid = [record["mean"] for record in records if record["kind"] == "valid" and record.get("mean") is not None]
        doing = "evaluating" if self.started == len(self.commands) else "training" if step else "starting"
        return step, f"{doing}  validation nll {valid[-1]:.3f}" if valid else doing


def run_jobs(
    jobs: Sequence[Job], at_once: int, say: Callable[[str], None], keep_going: bool = False
) -> list[CatscaleError]:
    """Run all jobs, `at_once` at a time: bars on a terminal, a line for each news otherwise.

    Args:
        jobs: To run, in this order.
        at_once: How many.
        say: Receives plain lines.
        keep_going: Whether a job that fails leaves the others running.

    Returns:
        The failures; none unless told to keep going.

    Raises:
        CatscaleError: If a command fails and it was not told to keep going; the others are stopped.
    """
    console = make_console(stderr=True)
    name, news_of = map(label_column, ("{task.description}", "{task.fields[note]}"))
    waiting, running, failed = list(jobs), list[Job](), list[CatscaleError]()
    with Progress(
        name, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), news_of,
        console=console, disable=not console.is_terminal,
    ) as bars:  # fmt: skip
        rows = {
            job.name: bars.add_task(for_terminal(job.name), total=job.steps, note="waiting", start=False)
            for job in jobs
        }
        news = dict.fromkeys(rows, "")
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    running.append(waiting.pop(0))
                    running[-1].start_next()
                    bars.start_task(rows[running[-1].name])
                time.sleep(0.5)
                for job in list(running):
                    ended = _poll(job, failed if keep_going else None)
                    _show(job, ended, bars, rows[job.name], news, None if console.is_terminal else say)
                    if ended is not None:
                        running.remove(job)
        finally:
            _stop(running)
    return failed


def _poll(job: Job, failed: list[CatscaleError] | None) -> str | None:
    """How a job ended, None while it has not; failures go to the list, where there is one.

    Raises:
        CatscaleError: If the job failed and there is none.
    """
    try:
        return "done" if job.is_done() else None
    except CatscaleError as error:
        if failed is None:
            raise
        failed.append(error)
        return "failed"


def _show(
    job: Job,
    ended: str | None,
    bars: Progress,
    row: TaskID,
    news: dict[str, str],
    say: Callable[[str], None] | None,
) -> None:
    """Move a job's bar; say what is new where there are no bars."""
    step, note = job.position()
    note = ended or note
    bars.update(row, completed=step, note=note)
    if ended:
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
