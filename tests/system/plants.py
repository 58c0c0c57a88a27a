"""What somebody else may have put in the place of a file of ours."""

import os
import socket
from pathlib import Path

KINDS = ("link", "link to a folder", "dangling link", "pipe", "socket", "folder", "hard link")


def plant(place: Path, kind: str, theirs: Path) -> None:
    """Put something in a place.

    Args:
        place: Where a file of ours goes.
        kind: One of `KINDS`.
        theirs: A folder of somebody else, made here: what links lead to.
    """
    (theirs / "folder").mkdir(parents=True, exist_ok=True)
    (theirs / "precious").write_bytes(b"precious")
    (theirs / "folder" / "file").write_bytes(b"theirs")
    if kind == "link":
        place.symlink_to(theirs / "precious")
    elif kind == "link to a folder":
        place.symlink_to(theirs / "folder")
    elif kind == "dangling link":
        place.symlink_to(theirs / "nothing")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "socket":
        before = os.getcwd()
        os.chdir(place.parent)  # the path of a socket has to be short
        try:
            socket.socket(socket.AF_UNIX).bind(place.name)
        finally:
            os.chdir(before)
    elif kind == "folder":
        place.mkdir()
    else:
        place.hardlink_to(theirs / "precious")


def snapshot(folder: Path) -> dict[str, bytes]:
    """The files of a folder, by their paths in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
