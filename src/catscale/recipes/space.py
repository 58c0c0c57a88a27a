"""Whether the disk has room for what is coming."""

import shutil
from pathlib import Path

from catscale.errors import DataError


def check_space(folder: Path, needed: int, what: str) -> None:
    """Stop before a download or an unpacking that cannot end well.

    Args:
        folder: An existing folder of the file system that is written to.
        needed: Bytes still to come.
        what: The thing that needs them, for the message.

    Raises:
        DataError: If fewer bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{what} needs {format_bytes(needed)} and {folder} has {format_bytes(free)} free; "
            "make room, or choose another folder with --out or --downloads"
        )


def format_bytes(count: float) -> str:
    """Return a length for people, as in "336 MB".

    Example:
        >>> format_bytes(352_222_045)
        '352 MB'
    """
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if count >= 10 or unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
