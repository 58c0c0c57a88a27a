"""A file of results that grows while a script runs: one that was stopped goes on where it was."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from catscale.system.writing.files import write_json


class Record:
    """Results by name, under the settings that all of them were made with.

    Args:
        path: The file, read if it is there; None keeps the results in memory.
        settings: The settings, as JSON has them.

    Raises:
        SystemExit: If the file has results of other settings.
    """

    def __init__(self, path: Path | None, settings: dict[str, Any]) -> None:
        self.path = path
        self._content: dict[str, Any] = {"settings": settings, "results": {}}
        if path is not None and path.is_file():
            self._content = json.loads(path.read_text(encoding="utf-8"))
            found = self._content["settings"]
            if found != settings:
                raise SystemExit(f"{path} has results of {found}, asked for {settings}; name another file")

    @property
    def results(self) -> dict[str, Any]:
        """The results so far."""
        results: dict[str, Any] = self._content["results"]
        return results

    @property
    def lines(self) -> list[list[str]]:
        """The lines of the table."""
        lines: list[list[str]] = self._content["lines"]
        return lines

    def find(self, name: str, make: Callable[[], Any]) -> Any:
        """Return a result, made and written if the file lacks it."""
        if name not in self.results:
            self.results[name] = make()
            self._write()
        return self.results[name]

    def set_table(self, heads: Sequence[str], lines: Sequence[Sequence[str]], note: str) -> None:
        """Write the table that `docs/make_results.py` puts into a page."""
        self._content |= {"heads": list(heads), "lines": [list(line) for line in lines], "note": note}
        self._write()

    def _write(self) -> None:
        if self.path is not None:
            write_json(self.path, self._content)
