"""The progress of an evaluation: a bar where somebody watches, a line now and then in a log."""

import time
from collections.abc import Callable

from catscale.system.console.progress import ProgressView

EVERY = 30.0
"""Seconds between lines of a log."""


class Watch:
    """Told of the sentences of one direction after the other.

    Args:
        view: Shows it.
        clock: Seconds.
    """

    def __init__(self, view: ProgressView, clock: Callable[[], float] = time.monotonic) -> None:
        self._view, self._clock = view, clock
        self._done: dict[str, int] = {}
        self._said = clock()

    def tell(self, name: str, done: int, total: int) -> None:
        """Show how many of a direction's sentences are done.

        Args:
            name: The direction.
            done: The number of its sentences that are done.
            total: The number of its sentences.
        """
        self._done[name] = done
        seen = self._view.advance(sum(self._done.values()), name)
        if not seen and done < total and self._clock() - self._said >= EVERY:
            self._said = self._clock()
            self._view.say(f"{name}: {done:,} of {total:,} sentences")
