"""Runs commands of catscale, and prints as JSON which of our modules changed the disk, and where.

    python -m system.audited THEIRS FOLDER LINKS COMMANDS

After the first command the links are made: a mapping of places to where they lead.

The interpreter itself reports every opening, rename and removal (`sys.addaudithook`), whoever asks for it.
"""

import json
import os
import sys
from collections import Counter
from types import FrameType
from typing import Any

import catscale

ROOT = os.path.dirname(os.path.abspath(catscale.__file__)) + os.sep
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
EVENTS = (
    "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink", "os.chmod", "os.chown",
)  # fmt: skip
found: Counter[tuple[str, str]] = Counter()
wrong: list[str] = []


def innermost(frame: FrameType | None) -> str:
    """The module of ours that is nearest to a call, as in `system/writing/files.py`; empty where there is none."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(ROOT):
            return frame.f_code.co_filename.removeprefix(ROOT)
        frame = frame.f_back
    return ""


def watch(theirs: str, folder: str) -> None:
    """Note from now on what is changed below a folder, and whatever leads to somebody else's."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if not (set(mode) & set("wax+") if isinstance(mode, str) else flags & WRITING):
                return
        elif event not in EVENTS:
            return
        changed = {"os.rename": slice(0, 2), "os.link": slice(1, 2), "os.symlink": slice(1, 2)}
        for path in arguments[changed.get(event, slice(0, 1))]:
            if isinstance(path, str | bytes | os.PathLike):
                note(event, os.path.abspath(os.fsdecode(path)))

    def note(event: str, place: str) -> None:
        follows = event in ("open", "os.truncate", "os.chmod", "os.chown")
        reached = os.path.realpath(place if follows else os.path.dirname(place))
        if f"{reached}/".startswith(f"{theirs}/"):
            wrong.append(f"{event} {place}")
        if place.startswith(f"{folder}/"):
            found[(event, innermost(sys._getframe(2)))] += 1

    sys.addaudithook(hook)


def main() -> None:
    from catscale.cli.main import main as run

    theirs, folder, links, commands = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), json.loads(sys.argv[4])
    output = os.dup(1)
    os.dup2(2, 1)
    watch(theirs, folder)
    statuses = [run(commands[0])]
    for place, target in links.items():
        os.symlink(target, place)
    del found["os.symlink", ""]
    statuses += [run(command) for command in commands[1:]]
    places = [[event, module, count] for (event, module), count in sorted(found.items())]
    os.write(output, json.dumps({"statuses": statuses, "places": places, "wrong": wrong}).encode())


if __name__ == "__main__":
    main()
