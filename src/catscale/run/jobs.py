"""Several runs at a time, on this machine or on a cluster, with a bar per run."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from catscale.errors import CatscaleError, DivergedError
from catscale.run.local_processes import LOCAL, Executor, StartedCommands
from catscale.run.time_left import TimeLeft, in_words
from catscale.system.console.messages import Say
from catscale.system.console.progress import label_column
from catscale.system.console.safe_text import for_terminal
from catscale.system.console.terminal import make_console
from catscale.training.records.metrics_file import read_metrics


@dataclass
class Job:
    """Commands that follow each other, and where to read how far they are.

    Attributes:
        name: Shown to the user.
        commands: Command lines.
        log: File of their output.
        run: The folder whose `metrics.jsonl` is watched.
        steps: Steps of its training.
        threads: The threads of the processor for each command.
        gpu: The only GPU that its commands see, as CUDA_VISIBLE_DEVICES names it; None for those that we see.
        executor: The place where its commands run.
        process: The one that runs, or all of them.
        started: Commands started so far.
        since: When the latest one was, by `time.monotonic`.
        waits: Whether the next one waits until the run's folder is free.
        seconds_after: Seconds that the last one took, once it has ended.
    """

    name: str
    commands: list[list[str]]
    log: Path
    run: Path
    steps: int
    threads: int = 1
    gpu: str | None = None
    executor: Executor = LOCAL
    process: StartedCommands | None = None
    started: int = field(default=0)
    since: float = field(default=0.0)
    waits: bool = False
    seconds_after: float | None = None

    def start_next(self) -> None:
        """Start the next command, or all where they are given away together; output is appended to the log."""
        self.process = self.executor.start(self)
        self.started = len(self.commands) if self.executor.takes_all else self.started + 1
        self.since = time.monotonic()

    def is_done(self) -> bool:
        """Start the next command when one has ended and the folder is free; return whether the last one has ended.

        Raises:
            CatscaleError: If one failed, with the log's last lines.
        """
        if self.process is not None and self.process.poll() is None:
            return False
        if self.process is not None and self.process.returncode:
            output = self.log.read_text(encoding="utf-8", errors="replace")
            _, ours, message = output.rpartition("\ncatscale: ")
            tail = message.rstrip() if ours else "\n".join(output.splitlines()[-5:])
            kind = DivergedError if self.process.returncode == DivergedError.exit_status else CatscaleError
            raise kind(f"{self.name} ended with status {self.process.returncode}; see {self.log}:\n{tail}")
        if self.started == len(self.commands):
            is_timed = self.started > 1 and not self.executor.takes_all
            self.seconds_after = time.monotonic() - self.since if is_timed else None
            return True
        self.waits = self.executor.is_blocked(self)
        if not self.waits:
            self.start_next()
        return False

    def position(self) -> tuple[int, str]:
        """Return the latest step on record, and a word on it."""
        path = self.run / "metrics.jsonl"
        records = read_metrics(path) if path.exists() else []
        step = records[-1]["step"] if records else 0
        valid = [record["mean"] for record in records if record["kind"] == "valid" and record.get("mean") is not None]
        doing = self.executor.describe(self, step)
        if self.waits:
            doing = "waiting until another process that works in its folder ends"
        return step, f"{doing}  validation nll {valid[-1]:.3f}" if valid else doing


def run_jobs(
    jobs: Sequence[Job],
    at_once: int,
    say: Say,
    keep_going: bool = False,
    gpus: Sequence[str] = (),
    until: float | None = None,
) -> list[CatscaleError]:
    """Run all jobs, `at_once` at a time: bars on a terminal, a line for each news otherwise.

    Args:
        jobs: To run, in this order.
        at_once: The number of jobs at a time.
        say: Receives plain lines.
        keep_going: Whether a job that fails leaves the others running.
        gpus: GPUs that the jobs are spread over, one job on each at a time; empty where they are not.
        until: The time of `time.monotonic` at which those that run are asked to stop and no more begin; None for never.

    Returns:
        The failures; none unless told to keep going.

    Raises:
        CatscaleError: If a command fails and it was not told to keep going; the others are stopped.
    """
    console = make_console(stderr=True)
    name, news_of = map(label_column, ("{task.description}", "{task.fields[note]}"))
    waiting, running, failed = list(jobs), list[Job](), list[CatscaleError]()
    watch, free = _Watch(jobs, at_once), list(gpus)
    with Progress(
        name, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), news_of,
        console=console, disable=not console.is_terminal,
    ) as bars:  # fmt: skip
        view = _View(bars, jobs, None if console.is_terminal else say)
        try:
            while (waiting or running) and (until is None or time.monotonic() < until):
                while waiting and len(running) < at_once and (free or not gpus):
                    running.append(waiting.pop(0))
                    _start(running[-1], free)
                    view.start(running[-1])
                time.sleep(0.5)
                for job in list(running):
                    ended = _poll(job, failed if keep_going else None)
                    step, note = job.position()
                    view.show(job, step, ended, note, watch.look(job, step, ended is not None))
                    if ended is not None:
                        running.remove(job)
                        free += [] if job.gpu is None else [job.gpu]
        finally:
            _stop(running)
    return failed


class _Watch:
    """The positions of all jobs, and the time that they still take."""

    def __init__(self, jobs: Sequence[Job], at_once: int) -> None:
        self._names = [job.name for job in jobs]
        self._steps = [job.position()[0] for job in jobs]
        self._done = [False] * len(jobs)
        self._time = TimeLeft(jobs, at_once)
        self._time.seconds(self._steps, self._done)

    def look(self, job: Job, step: int, is_done: bool) -> str:
        """Take in where a job is; the time left of all in words, empty while it cannot be told."""
        place = self._names.index(job.name)
        self._steps[place], self._done[place] = step, is_done
        seconds = None if all(self._done) else self._time.seconds(self._steps, self._done)
        return "" if seconds is None else f"{in_words(seconds)} left in all"


class _View:
    """A bar for each job and one for all, or lines for the news where nobody sees bars."""

    def __init__(self, bars: Progress, jobs: Sequence[Job], say: Say | None) -> None:
        self._bars, self._say = bars, say
        self._rows = {
            job.name: bars.add_task(for_terminal(job.name), total=job.steps, note="waiting", start=False)
            for job in jobs
        }
        self._all = bars.add_task("all", total=len(jobs), note="") if len(jobs) > 1 or say is None else None
        self._news = dict.fromkeys(self._rows, "")

    def start(self, job: Job) -> None:
        """Let a job's clock run."""
        self._bars.start_task(self._rows[job.name])

    def show(self, job: Job, step: int, ended: str | None, note: str, left: str) -> None:
        """Move a job's bar; say what is new where there are no bars."""
        note = ended or note
        self._bars.update(self._rows[job.name], completed=step, note=note)
        if ended:
            self._bars.stop_task(self._rows[job.name])
        if self._all is not None:
            self._bars.update(self._all, advance=ended is not None, note=left)
        if self._say is not None and note != self._news[job.name]:
            self._say(f"{job.name}: step {step} of {job.steps}, {note}{f'; {left}' if left else ''}")
        self._news[job.name] = note


def _start(job: Job, free: list[str]) -> None:
    """Start a job, on the first of the GPUs that are free, if there are any."""
    job.gpu = free.pop(0) if free else None
    job.is_done()


def _poll(job: Job, failed: list[CatscaleError] | None) -> str | None:
    """Return how a job ended, None while it has not; add failures to the list, if there is one.

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


def _stop(jobs: Sequence[Job]) -> None:
    """Ask what still runs to stop, and wait until it has saved its state."""
    for job in jobs:
        if job.process is not None:
            job.process.terminate()
    for job in jobs:
        if job.process is not None:
            job.process.wait()
