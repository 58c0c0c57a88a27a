"""The processors of the machine: how many this process may use, and what they are called."""

import math
import os
import platform
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")


def count_processors() -> int:
    """Return the number that it may run on, or that its container's share of time is worth if that is less; at least
    1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, quota(GROUPS, Path("/proc/self/cgroup")))))


def share_threads(jobs: int) -> int:
    """Return the threads of each of `jobs` jobs: OMP_NUM_THREADS if set, else an equal part of the processors."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else max(1, count_processors() // jobs)


def describe_processors(information: Path = Path("/proc/cpuinfo")) -> str:
    """Name the processor, how many of it the machine has, and the system: what a time that was measured depends on.

    Args:
        information: The file that names it on Linux; where there is none, the kind of machine stands for the name.
    """
    names = (line.partition(":")[2].strip() for line in _lines(information) if line.startswith("model name"))
    return f"{next(names, platform.machine())}, {os.cpu_count()} cores, {platform.system()}"


def quota(groups: Path, membership: Path) -> float:
    """Return the processors that the control groups of a process give it, infinity where they set no limit.

    Args:
        groups: The folder where the control groups are mounted; version 2, or version 1 as containers see it.
        membership: The file that says in which one the process is.
    """
    limits = [_limit(_words(groups / "cpu/cpu.cfs_quota_us") + _words(groups / "cpu/cpu.cfs_period_us"))]
    inside = [words[-1] for words in map(str.split, _lines(membership)) if words and words[0].startswith("0::")]
    place = groups / (inside[0].removeprefix("0::").lstrip("/") if inside else "")
    for group in (place, *place.parents):
        if group.is_relative_to(groups):
            limits.append(_limit(_words(group / "cpu.max")))
    return min(limits)


def _limit(words: list[str]) -> float:
    """Parse microseconds per period, as in `200000 100000`; `max` and -1 mean no limit."""
    if len(words) != 2 or not all(word.isdecimal() for word in words) or int(words[1]) == 0:
        return math.inf
    return int(words[0]) / int(words[1]) or math.inf


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()
