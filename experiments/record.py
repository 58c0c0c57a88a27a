"""A table's numbers as a file that a person can read and that does not grow by a line for each number."""

import json
import re
from pathlib import Path
from typing import Any

from catscale.system.writing.files import write_text

NUMBERS = re.compile(r"\[\s+((?:-?\d[-+.\de]*|null)(?:,\s+(?:-?\d[-+.\de]*|null))*)\s+\]")
"""A list of numbers, indented: text in JSON has no line breaks, so that none is inside of a string."""


def write_record(path: Path, content: dict[str, Any]) -> None:
    """Write indented JSON, whose lists of numbers have a line each; NaN is refused."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n")
