"""Work on many parts, here or in several processes, with reports of its progress."""

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, TypeVar

from catscale.errors import CatscaleError

Read = Callable[[int], None]
"""Told how many pairs were read since the last call."""
ProgressWatch = Callable[[int, int], None]
"""Told how many parts are done, and how many pairs were read, since the beginning."""
P = TypeVar("P")
R = TypeVar("R")
PERIOD = 0.5  # seconds between two looks at the processes


class WorkerProcesses:
    """A number of processes, this one alone where it is 1; stopped when the block ends, however it ends.

    Args:
        jobs: Processes.
        watch: Called often.
    """

    def __init__(self, jobs: int, watch: ProgressWatch) -> None:
        self._watch, self._done, self._pairs = watch, 0, 0
        context = multiprocessing.get_context("spawn")
        self._shared: Any = context.Value("q", 0)  # pairs read in other processes
        self._stop: Any = context.Event()
        begin = (self._shared, self._stop)
        self._executor = None if jobs == 1 else ProcessPoolExecutor(jobs, context, _begin, begin)

    def __enter__(self) -> "WorkerProcesses":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def run(self, work: Callable[[P, Read], R], parts: Sequence[P]) -> dict[P, R]:
        """Do the work on every part, in their order as far as several processes keep it.

        Args:
            work: A function that other processes can import, with arguments that can be sent to them.
            parts: All different.

        Raises:
            CatscaleError: If the work raises it, the first one. Also if a process is killed.
        """
        if self._executor is None:
            return {part: self._run_here(work, part) for part in parts}
        futures = {self._executor.submit(_run_there, work, part): part for part in parts}
        results, waiting = dict[P, R](), set(futures)
        while waiting:
            done, waiting = wait(waiting, PERIOD, FIRST_COMPLETED)
            try:
                results |= {futures[future]: future.result() for future in done}
            except BrokenProcessPool as error:
                raise CatscaleError(
                    "a process that read the corpus was ended from outside, perhaps for want of memory; lower --jobs"
                ) from error
            self._done += len(done)
            self._watch(self._done, self._shared.value)
        return {part: results[part] for part in parts}

    def _run_here(self, work: Callable[[P, Read], R], part: P) -> R:
        def read(count: int) -> None:
            self._pairs += count
            self._watch(self._done, self._pairs)

        result = work(part, read)
        self._done += 1
        self._watch(self._done, self._pairs)
        return result


class _Stopped(Exception):
    """Another process failed, or the user interrupted."""


_pairs: Any = None  # of another process: the shared counter
_stop: Any = None  # and the shared event


def _begin(pairs: Any, stop: Any) -> None:
    """Leave Ctrl-C to the first process, which tells the others."""
    global _pairs, _stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _pairs, _stop = pairs, stop


def _run_there(work: Callable[[P, Read], R], part: P) -> R:
    return work(part, _read)


def _read(count: int) -> None:
    with _pairs.get_lock():
        _pairs.value += count
    if _stop.is_set():
        raise _Stopped
