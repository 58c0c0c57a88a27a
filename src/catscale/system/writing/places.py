"""The places where we may write: no symbolic link is followed inside a folder of ours, and a file is a file.

What a user names is followed: a run's folder may be a link to another disk, and so may any of its parents. What lies
inside is ours alone: a link, a pipe or a device there was put by somebody else, and is refused before anything is
written, locked, cut or removed. `working_in` says which folders are ours for the time of a block, and notices when one
is renamed, removed or replaced meanwhile.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catscale.errors import CatscaleError

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True)
class Root:
    """A folder of ours, held open so that its inode is not given to another one.

    Attributes:
        path: Absolute, as the user named it.
        descriptor: The descriptor of the open folder.
    """

    path: Path
    descriptor: int

    def check(self) -> None:
        """Check that the path still leads to the folder.

        Raises:
            CatscaleError: If it was renamed, removed or replaced.
        """
        if self.is_in_place():
            return
        now = self.find()
        raise CatscaleError(
            f"{self.path} was renamed, removed or replaced while catscale worked in it"
            f"{', and is gone' if now is None else f', and is now {now}'}; nothing more is written. What was saved in "
            "it is whole: give it its name back, or its new name to the same command, which goes on from there"
        )

    def is_in_place(self) -> bool:
        """Return whether the path leads to the folder."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self.descriptor))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def find(self) -> Path | None:
        """Return where the folder is now; None if it was removed, or the system does not tell."""
        try:
            place = Path(os.readlink(f"/proc/self/fd/{self.descriptor}"))
            is_there = os.path.samestat(os.stat(place), os.fstat(self.descriptor))
        except OSError:
            return None
        return place if is_there else None


_roots: list[Root] = []


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Follow no symbolic link below a folder for the time of the block, and notice when it is no longer the same one.

    Args:
        folder: It exists. Links on the way to it, and itself being one, are the user's choice.

    Raises:
        CatscaleError: If it cannot be opened.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError as error:
        raise CatscaleError(
            f"cannot open {folder}: {error.strerror}; check the permissions, or choose another folder"
        ) from error
    root = Root(folder.absolute(), descriptor)
    _roots.append(root)
    try:
        yield
    finally:
        _roots.remove(root)
        os.close(descriptor)


def find_moved(folder: Path) -> Path | None:
    """Find where a folder that we work in has gone; None where it is in its place, or none of ours.

    Raises:
        CatscaleError: If it was removed, or the system does not tell.
    """
    for root in _roots:
        if root.path == folder.absolute() and not root.is_in_place():
            if (place := root.find()) is None:
                root.check()
            return place
    return None


def check_place(path: Path) -> None:
    """Check that no link leads from one of our folders to a path; the last part of it is not looked at.

    Raises:
        CatscaleError: If one does, or the folder is no longer the one that was begun in.
    """
    place = path.absolute()
    around = [root for root in _roots if place.is_relative_to(root.path)]
    if not around:
        return
    root = min(around, key=lambda root: len(root.path.parts))
    root.check()
    if place == root.path:
        return
    folder = root.path
    for part in place.relative_to(root.path).parts[:-1]:
        folder = folder / part
        if find_kind(folder) not in (None, "a folder"):
            raise refuse(folder, "a folder")


def find_kind(path: Path) -> str | None:
    """Return what there is at a path, in words, without following links; None if there is nothing."""
    try:
        return describe(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def describe(status: os.stat_result) -> str:
    """Return the kind of a file, in words."""
    return KINDS.get(stat.S_IFMT(status.st_mode), "a special file")


def check_file(path: Path) -> os.stat_result | None:
    """Check that there is a regular file of ours at a path, or nothing.

    Returns:
        Its status, None where there is nothing.

    Raises:
        CatscaleError: If it is something else, or a link leads there.
    """
    check_place(path)
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(status.st_mode):
        raise refuse(path, "a file", describe(status))
    return status


def check_folder(path: Path) -> bool:
    """Check that there is a folder of ours at a path, or nothing; returns whether there is one.

    The folder that the user named may be a link to one.

    Raises:
        CatscaleError: If it is something else, or a link leads there.
    """
    check_place(path)
    kind = find_kind(path)
    named = any(path.absolute() == root.path for root in _roots)
    if kind not in (None, "a folder") and not (named and path.is_dir()):
        raise refuse(path, "a folder", kind)
    return kind is not None


def check_alone(path: Path, descriptor: int) -> None:
    """Check that an open file is a regular one, with no second name, through which another file would be changed.

    Raises:
        CatscaleError: If it is not.
    """
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise refuse(path, "a file", describe(status))
    if status.st_nlink > 1:
        raise CatscaleError(
            f"{path} is the same file as another ({status.st_nlink} hard links), which would be changed with it; put "
            "a copy in its place"
        )


def refuse(path: Path, wanted: str, found: str | None = None) -> CatscaleError:
    """Return the error for a thing that is not what we would have put there."""
    return CatscaleError(
        f"{path} is {found or find_kind(path)}, where catscale keeps {wanted} of its own; nothing was written to it: "
        "remove it, or choose another folder"
    )
