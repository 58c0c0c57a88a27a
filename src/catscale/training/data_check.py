"""Data that are still compared with their checksums while training is under way."""

import time
from collections.abc import Callable

from catscale.distributed.processes import Processes
from catscale.errors import DataError

Confirm = Callable[[bool], None]
"""Raises a `DataError` if the data are damaged; waits until that is known, or tells what is known by now."""


class Confirmation:
    """Asks whether the data are what they were.

    Args:
        confirm: `Store.confirm`; None where there is nothing to ask.
        processes: The processes that train together.
    """

    def __init__(self, confirm: Confirm | None, processes: Processes) -> None:
        self._confirm, self._processes = confirm, processes

    def look(self) -> None:
        """Raise if this process knows of damage by now.

        Raises:
            DataError: If it does.
        """
        if self._confirm is not None:
            self._confirm(False)

    def settle(self) -> float:
        """Wait until all processes know that their data are whole; to be called before a model is written.

        Returns:
            Seconds waited.

        Raises:
            DataError: On all processes, if the data of one are damaged.
        """
        if self._confirm is None:
            return 0.0
        started, failure = time.perf_counter(), None
        try:
            self._confirm(True)
        except DataError as error:
            failure = error
        if self._processes.sum([float(failure is not None)])[0]:
            raise failure or DataError("the token store of another process is damaged; its message names the file")
        self._confirm = None
        return time.perf_counter() - started
