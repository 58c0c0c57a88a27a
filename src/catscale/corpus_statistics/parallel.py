"""The same work on many parts, here or in several processes, with news of how far it is."""

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from catscale.errors import CatscaleError

Read = Callable[[int], None]
"""Told how many pairs were read since the last call."""
Watch = Callable[[int, int], None]
"""Told how many parts are done, and how many pairs were read in all."""
P = TypeVar("P")
R = TypeVar("R")
PERIOD = 0.5  # seconds between two looks at the processes


def run_parts(work: Callable[[P, Read], R], parts: Sequence[P], jobs: int, watch: Watch) -> dict[P, R]:
    """Do the work on every part, in their order as far as several processes keep it.

    Args:
        work: A function that other processes can import, with arguments that can be sent to them.
        parts: All different.
        jobs: Processes; with 1 it is done in this one.
        watch: Called often.

    Raises:
        CatscaleError: What the work raises first; the other processes are stopped. Also if one of them is killed.
    """
    if min(jobs, len(parts)) < 2:
        return _run_here(work, parts, watch)
    context = multiprocessing.get_context("spawn")
    pairs, stop = context.Value("q", 0), context.Event()
    with ProcessPoolExecutor(min(jobs, len(parts)), context, _begin, (pairs, stop)) as executor:
        try:
            futures = {executor.submit(_run_there, work, part): part for part in parts}
            results, waiting = dict[P, R](), set(futures)
            while waiting:
                done, waiting = wait(waiting, PERIOD, FIRST_COMPLETED)
                results |= {futures[future]: future.result() for future in done}
                watch(len(results), pairs.value)
        except BrokenProcessPool as error:
            raise CatscaleError(
                "a process that read the corpus was ended from outside, perhaps for want of memory; lower --jobs"
            ) from error
        except BaseException:
            stop.set()
            executor.shutdown(cancel_futures=True)
            raise
    return {part: results[part] for part in parts}


def _run_here(work: Callable[[P, Read], R], parts: Sequence[P], watch: Watch) -> dict[P, R]:
    pairs, results = 0, dict[P, R]()

    def read(count: int) -> None:
        nonlocal pairs
        pairs += count
        watch(len(results), pairs)

    for part in parts:
        results[part] = work(part, read)
        watch(len(results), pairs)
    return results


class _Stopped(Exception):  # noqa: N818 - not a failure of this process
    """Another process failed, or the user interrupted."""


def _begin(pairs: Any, stop: Any) -> None:
    """What a process starts with: Ctrl-C reaches the first process alone, which tells the others."""
    global _pairs, _stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _pairs, _stop = pairs, stop


_pairs: Any = None  # shared counter of pairs read
_stop: Any = None  # shared event


def _run_there(work: Callable[[P, Read], R], part: P) -> R:
    return work(part, _read)


def _read(count: int) -> None:
    with _pairs.get_lock():
        _pairs.value += count
    if _stop.is_set():
        raise _Stopped
