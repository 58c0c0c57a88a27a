"""Our docstrings head a doctest "Example:"; what reads them for the site shows a doctest under "Examples:"."""

import re
from typing import Any

from griffe import Extension, Object

HEADING = re.compile(r"^( *)Example:(?=\n *>>>)", re.MULTILINE)


class DoctestExamples(Extension):
    """Renames the section in what was read, not in the files."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Answer griffe, which shows each object that it has read."""
        if obj.docstring is not None:
            obj.docstring.value = HEADING.sub(r"\1Examples:", obj.docstring.value)
