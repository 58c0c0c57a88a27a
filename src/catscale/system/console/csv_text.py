"""Tables as CSV: the one place that writes it, with cells that a spreadsheet takes for what they are."""

import csv
import io
from collections.abc import Iterable, Sequence

from catscale.system.console.safe_text import for_csv


def to_csv(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    r"""Return a table as CSV, one line per row; None is an empty cell.

    Example:
        >>> to_csv(["method", "mean"], [["T=1", -0.25], ["=1+1", None]])
        "method,mean\nT=1,-0.25\n'=1+1,\n"
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([for_csv(cell) for cell in row] for row in (header, *rows))
    return text.getvalue()
