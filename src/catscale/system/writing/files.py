"""Writing files so that a reader never sees half of one; everything that is written, locked or removed goes this way.

A file is written beside its place under a temporary name, flushed to the disk and renamed. Inside a folder of ours no
link is followed (`catscale.system.writing.places`); what the user names as output is
(`catscale.system.writing.output`).
"""

import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from catscale.errors import CatscaleError
from catscale.system.refusal import user_errors
from catscale.system.writing.folders import (
    TEMPORARY,
    clear_leftovers,
    make_folder,
    make_own_folder,
    make_private_folder,
    move_folder,
    name_beside,
    new_folder,
    recover_folder,
    remove_folder,
    scratch_folder,
    set_mode,
    sync_folder,
    targets_of_leftovers,
)
from catscale.system.writing.places import NO_LINK, check_alone, check_file, check_place, find_kind, refuse

__all__ = [
    "append_to",
    "clear_leftovers",
    "copy_file",
    "create_file",
    "link_file",
    "link_folder",
    "make_folder",
    "make_own_folder",
    "make_private_folder",
    "move_file",
    "move_folder",
    "new_folder",
    "open_lock",
    "recover_folder",
    "remove_file",
    "remove_folder",
    "replacing",
    "scratch_folder",
    "sync_folder",
    "targets_of_leftovers",
    "user_errors",
    "write_bytes",
    "write_json",
    "write_text",
]


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: temporary file, fsync, rename; a file that it replaces passes its mode on.

    Raises:
        CatscaleError: If it cannot be written, or what is there is no regular file.
    """
    with user_errors("write", path), replacing(path, check_file(path)) as file:
        file.write(content)


@contextmanager
def replacing(path: Path, before: os.stat_result | None) -> Iterator[BinaryIO]:
    """Open a file that takes a place, flushed to the disk, when the block ends well; else nothing is left of it.

    Args:
        path: The place; its folder is made if need be.
        before: Status of the file that it replaces, whose owner and mode it gets; None where there is none.
    """
    make_folder(path.parent)
    temporary = name_beside(path, TEMPORARY)
    try:
        with create_file(temporary) as file:
            keep_mode(file.fileno(), before)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_text(path: Path, content: str) -> None:
    """Write a UTF-8 text file atomically.

    Raises:
        CatscaleError: If it cannot be written, or holds half of a surrogate pair.
    """
    try:
        encoded = content.encode()
    except UnicodeEncodeError as error:
        found = content[error.start : error.end].encode("unicode_escape", "surrogatepass").decode()
        raise CatscaleError(
            f"cannot write {path}: its text holds {found}, as from a file or folder whose name is not valid UTF-8; "
            "rename that"
        ) from error
    write_bytes(path, encoded)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically, indented; NaN is refused."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def keep_mode(descriptor: int, before: os.stat_result | None) -> None:
    """Give an open file the owner, as far as we may, and the mode of the one that it will replace."""
    if before is None:
        return
    if (before.st_uid, before.st_gid) != (os.fstat(descriptor).st_uid, os.fstat(descriptor).st_gid):
        with suppress(OSError):
            os.fchown(descriptor, before.st_uid, before.st_gid)
    set_mode(descriptor, stat.S_IMODE(before.st_mode))


def create_file(path: Path) -> BinaryIO:
    """Open a file for writing that must not be there yet; for files of a folder that is being filled.

    Raises:
        CatscaleError: If a link leads there.
        OSError: If it is there, or cannot be made.
    """
    check_place(path)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK, 0o666), "wb")


def append_to(path: Path, size: int | None = None) -> FileIO:
    """Open a file to write at its end, unbuffered; made when missing.

    Args:
        path: The file.
        size: The number of its bytes to keep; None for all.

    Raises:
        CatscaleError: If it cannot be written, is no regular file, or has a second name.
    """
    with user_errors("write", path):
        descriptor = _open_own(path, os.O_WRONLY | os.O_APPEND)
        file = FileIO(descriptor, "a")
        if size is not None:
            file.truncate(min(size, os.fstat(descriptor).st_size))
        file.seek(0, os.SEEK_END)
        return file


def open_lock(path: Path) -> int:
    """Open a file to be locked, made when missing; returns the descriptor.

    Raises:
        CatscaleError: If it is no regular file, or has a second name.
        OSError: If it cannot be opened.
    """
    return _open_own(path, os.O_RDWR)


def _open_own(path: Path, flags: int) -> int:
    """Open a regular file of ours to be changed in its place, made when missing."""
    check_file(path)
    descriptor = os.open(path, flags | os.O_CREAT | NO_LINK | getattr(os, "O_NONBLOCK", 0), 0o666)
    try:
        check_alone(path, descriptor)
    except CatscaleError:
        os.close(descriptor)
        raise
    return descriptor


def remove_file(path: Path) -> None:
    """Remove a file of ours; nothing is done where there is none.

    Raises:
        CatscaleError: If it is no regular file, or cannot be removed.
    """
    with user_errors("remove", path):
        if check_file(path) is not None:
            path.unlink(missing_ok=True)


def move_file(source: Path, target: Path) -> None:
    """Rename a file of ours; a file at `target` is replaced.

    Raises:
        CatscaleError: If one of them is no regular file, or it cannot be moved.
    """
    with user_errors("write", target):
        if check_file(source) is None:
            raise FileNotFoundError(2, "No such file", str(source))
        check_file(target)
        source.replace(target)


def copy_file(source: Path, target: Path) -> None:
    """Copy the content of a file to one that must not be there yet."""
    with source.open("rb") as content, create_file(target) as file:
        shutil.copyfileobj(content, file, 1 << 20)


def link_file(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no links.

    Raises:
        FileNotFoundError: If there is no such file.
        CatscaleError: If it cannot be copied either, or is no regular file.
    """
    check_place(target)
    if find_kind(source) not in (None, "a file"):
        raise refuse(source, "a file")
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:
        with user_errors("copy to", target):
            copy_file(source, target)


def link_folder(source: Path, target: Path) -> None:
    """Give every file of a folder, and of the folders in it, a second name in another one, as `link_file`.

    Args:
        source: The folder.
        target: Exists.

    Raises:
        CatscaleError: If something is neither a file nor a folder, or cannot be copied.
    """
    for path in sorted(source.iterdir()):
        if find_kind(path) == "a folder":
            make_folder(target / path.name)
            link_folder(path, target / path.name)
        else:
            link_file(path, target / path.name)
