"""The memory that this process may still have."""

import resource
import sys
from pathlib import Path

GROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)
"""The limit and the use of a container, in both versions of control groups."""


def available_memory() -> int | None:
    """Return the bytes that can be had: of the machine, within the limits of a container and of `ulimit -v`; None if
    unknown."""
    found = [_of_machine(), addresses_left(), *(_of_group(most, used) for most, used in GROUPS)]
    return min((value for value in found if value is not None), default=None)


def peak_memory() -> int:
    """Return the most bytes of memory that this process has held so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _of_machine() -> int | None:
    for line in _read(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _of_group(most: Path, used: Path) -> int | None:
    limit, taken = _read(most).strip(), _read(used).strip()
    return max(0, int(limit) - int(taken)) if limit.isdecimal() and taken.isdecimal() else None


def addresses_left() -> int | None:
    """Return the bytes of addresses that `ulimit -v` leaves this process; None where it sets no limit."""
    limit, pages = resource.getrlimit(resource.RLIMIT_AS)[0], _read(Path("/proc/self/statm")).split()
    if limit == resource.RLIM_INFINITY or not pages:
        return None
    return max(0, limit - int(pages[0]) * resource.getpagesize())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
