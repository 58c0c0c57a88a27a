"""Files of a store compared with their checksums, beside what else is done."""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

from catscale.errors import DataError
from catscale.system.writing.manifest import find_file_damage


class ChecksumWatch:
    """Compares files in the background, from its construction on.

    Its threads end with the process: whoever interrupts does not wait for them.

    Args:
        folder: The store's.
        sums: Name → what `catscale.system.writing.manifest.checksum` returned before.
        threads: The number of threads; one leaves the other processors to what is done meanwhile.
    """

    def __init__(self, folder: Path, sums: Mapping[str, dict[str, Any]], threads: int) -> None:
        self._folder, self._left = folder, deque(sums.items())
        self._failures: list[BaseException] = []
        self._threads = [Thread(target=self._compare, daemon=True) for _ in range(min(threads, len(sums)))]
        for thread in self._threads:
            thread.start()

    def confirm(self, wait: bool = True) -> None:
        """Raise if a file is found not to be what it was.

        Args:
            wait: Whether to wait until all are compared, or else tell what is known by now.

        Raises:
            DataError: If one is missing or differs.
        """
        if wait:
            for thread in self._threads:
                thread.join()
        if self._failures:
            raise self._failures[0]

    def _compare(self) -> None:
        try:
            while not self._failures and (file := self._take()) is not None:
                name, expected = file
                if (damage := find_file_damage(self._folder / name, expected)) is not None:
                    raise DataError(f"the token store is damaged: {damage}; delete {self._folder} and prepare again")
        except BaseException as error:
            self._failures.append(error)

    def _take(self) -> tuple[str, dict[str, Any]] | None:
        """Take the next file that no thread has taken, if there is one."""
        try:
            return self._left.popleft()
        except IndexError:
            return None
