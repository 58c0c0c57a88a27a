"""The time that several jobs will still take, from their speed so far."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

SETTLED = 5.0
"""Seconds below which nothing is foretold: starting up takes a few."""


class JobWork(Protocol):
    """A job as far as its time is concerned."""

    steps: int

    @property
    def seconds_after(self) -> float | None:
        """Seconds that what follows the training took, None while that is not known."""


class TimeLeft:
    """A forecast of the end of jobs that share the machine.

    Seconds left = (steps left of all jobs) / (steps per second of training so far, all jobs together), and for each job
    that is not done the time that the evaluation of the others took, as many at a time as there are.

    Args:
        jobs: All of them.
        at_once: The number of jobs that run at a time.
        clock: Gives seconds.
    """

    def __init__(self, jobs: Sequence[JobWork], at_once: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._jobs, self._at_once, self._clock = jobs, at_once, clock
        self._started = clock()
        self._first: list[int] | None = None

    def seconds(self, steps: Sequence[int], done: Sequence[bool]) -> float | None:
        """Return the seconds left, None while unknown.

        Args:
            steps: Taken by each job, also by earlier commands.
            done: Whether a job has ended.
        """
        if self._first is None:
            self._first = list(steps)
        elapsed = self._clock() - self._started
        taken = sum(now - first for now, first in zip(steps, self._first, strict=True))
        if elapsed < SETTLED or taken <= 0:
            return None
        after = [job.seconds_after for job in self._jobs if job.seconds_after is not None]
        elapsed = max(elapsed - sum(after) / self._at_once, elapsed / 10)
        left = sum(max(0, j.steps - now) for j, now, ended in zip(self._jobs, steps, done, strict=True) if not ended)
        open_ones = len(self._jobs) - sum(done)
        evaluations = sum(after) / len(after) * open_ones / min(self._at_once, open_ones or 1) if after else 0.0
        return left * elapsed / taken + evaluations


def in_words(seconds: float) -> str:
    """Return a length of time as people say it.

    Example:
        >>> [in_words(seconds) for seconds in (20, 100, 3000, 7000)]
        ['under a minute', 'about 2 min', 'about 50 min', 'about 2 h']
    """
    if seconds < 55:
        return "under a minute"
    if seconds < 5370:
        return f"about {max(1, round(seconds / 60))} min"
    hours = seconds / 3600
    return f"about {hours:.0f} h" if hours < 48 else f"about {hours / 24:.0f} days"
