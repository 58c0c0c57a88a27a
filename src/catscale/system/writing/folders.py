"""Making, replacing and removing folders, whole or not at all."""

import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from catscale.errors import CatscaleError
from catscale.system.refusal import user_errors
from catscale.system.writing.places import NO_LINK, check_folder, check_place, find_kind, refuse

TEMPORARY, ASIDE = "tmp", "old"


def name_beside(path: Path, kind: str) -> Path:
    """Return an unpredictable name for what is temporarily ours alone, such as `.best.tmp-1f0c9a3e`."""
    return path.with_name(f".{path.name}.{kind}-{secrets.token_hex(4)}")


def names_beside(path: Path, kind: str) -> list[Path]:
    """Return what `name_beside` named and a kill left, the newest last; links are never ours."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.{kind}-[0-9a-f]{{8}}")
    try:
        found = [beside for beside in path.parent.iterdir() if pattern.fullmatch(beside.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted((p for p in found if find_kind(p) in ("a file", "a folder")), key=lambda p: p.lstat().st_mtime_ns)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path, exist_ok: bool = True) -> None:
    """Make a folder and its parents, unless they are there; below a folder of ours no link is taken for one.

    Args:
        path: The folder.
        exist_ok: Whether it may be there.

    Raises:
        CatscaleError: If a link is in the way.
        OSError: If it cannot be made, for the caller to say why it was wanted (`user_errors`).
    """
    check_place(path)
    if find_kind(path) == "a symbolic link" and not path.is_dir():
        raise refuse(path, "a folder")
    path.mkdir(parents=True, exist_ok=exist_ok)


def make_own_folder(path: Path) -> None:
    """Make a folder inside one of ours, or find that it is there and no link.

    Raises:
        CatscaleError: If something else is in its place.
        OSError: If it cannot be made.
    """
    if not check_folder(path):
        path.mkdir(parents=True, exist_ok=True)


def make_private_folder(path: Path) -> None:
    """Make a folder inside one of ours that nobody else may enter, or find it and take the others' rights away.

    Raises:
        CatscaleError: If something else is in its place, or another user owns it.
        OSError: If it cannot be made.
    """
    make_own_folder(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise CatscaleError(f"{path} belongs to another user; what is read back from it must be ours: move it away")
        os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)


def remove_folder(path: Path) -> None:
    """Remove a folder and what is in it, as far as the system lets us; nothing is done where there is none.

    Raises:
        CatscaleError: If it is no folder, or a link to one.
    """
    if check_folder(path):
        shutil.rmtree(path, ignore_errors=True)


def remove_empty_folder(path: Path) -> None:
    """Remove a folder that holds nothing; one that holds something stays."""
    with suppress(OSError):
        path.rmdir()


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder under a temporary name and move it to its place when the block ends well.

    A folder that is already there is replaced: it is moved aside first and removed last, so that at every
    moment either the old or the new one exists, at `path` or beside it (see `recover_folder`). Files get the mode that
    the umask gives, also those of libraries that make theirs private; what replaces something keeps its mode.
    Whoever calls it must be the only one that writes to `path`: what a kill left of an earlier attempt is removed.

    Yields:
        The temporary folder to fill.

    Raises:
        CatscaleError: If it cannot be written, or what is there is no folder.
    """
    temporary, aside = name_beside(path, TEMPORARY), name_beside(path, ASIDE)
    with user_errors("write", path):
        check_folder(path)
        make_folder(path.parent)
        clear_leftovers(path)
        temporary.mkdir()
        try:
            yield temporary
            _settle_modes(temporary, path)
            sync_folder(temporary)
            if check_folder(path):
                path.rename(aside)
            temporary.rename(path)
            sync_folder(path.parent)
            shutil.rmtree(aside, ignore_errors=True)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            recover_folder(path)


def _settle_modes(made: Path, replaced: Path) -> None:
    """Give a new folder's files their modes, and flush them to the disk."""
    usual = stat.S_IMODE(made.stat().st_mode) & 0o666
    for place, _, names in os.walk(made):
        for name in names:
            path = Path(place, name)
            if find_kind(path) != "a file":
                raise refuse(path, "a file")
            descriptor = os.open(path, os.O_RDONLY | NO_LINK)
            try:
                set_mode(descriptor, _mode(replaced / path.relative_to(made), usual))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    mode = stat.S_IMODE(made.stat().st_mode)
    if (wanted := _mode(replaced, mode)) != mode:
        with suppress(OSError):
            made.chmod(wanted)


def set_mode(descriptor: int, mode: int) -> None:
    """Give an open file a mode, where its file system has modes."""
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        with suppress(OSError):
            os.fchmod(descriptor, mode)


def _mode(replaced: Path, usual: int) -> int:
    """Return the mode of what is replaced, or the usual one."""
    try:
        status = replaced.lstat()
    except OSError:
        return usual
    return usual if stat.S_ISLNK(status.st_mode) else stat.S_IMODE(status.st_mode)


def aside_of(path: Path) -> Path | None:
    """Return the folder that `new_folder` was replacing when it was cut off, None where there is none."""
    earlier = path.with_name(f".{path.name}.{ASIDE}")  # the name that version 0.1 gave it
    found = names_beside(path, ASIDE) or ([earlier] if find_kind(earlier) == "a folder" else [])
    return found[-1] if found else None


def recover_folder(path: Path) -> None:
    """Undo a replacement by `new_folder` that was cut off between its two renames."""
    if find_kind(path) is None and (aside := aside_of(path)) is not None:
        check_place(path)
        aside.rename(path)


def clear_leftovers(path: Path) -> None:
    """Settle a write to `path` that a kill cut off: undo half a replacement, remove temporary files and folders.

    Only what has a name that we gave is removed. Whoever calls it must be the only one that writes to `path`.

    Raises:
        CatscaleError: If the folder cannot be written to.
    """
    with user_errors("clear what an earlier process left of", path):
        check_place(path)
        recover_folder(path)
        for left in [*names_beside(path, ASIDE), *names_beside(path, TEMPORARY)]:
            if find_kind(left) == "a folder":
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def targets_of_leftovers(folder: Path) -> list[Path]:
    """Return the paths in a folder whose writing was cut off, for `clear_leftovers`."""
    pattern = re.compile(rf"\.(.+)\.(?:(?:{TEMPORARY}|{ASIDE})-[0-9a-f]{{8}}|{ASIDE})")
    found = (pattern.fullmatch(path.name) for path in folder.iterdir()) if folder.is_dir() else ()
    return sorted({folder / match[1] for match in found if match is not None})


def move_folder(source: Path, target: Path) -> None:
    """Give a folder of ours its final name, where there is nothing yet.

    Raises:
        CatscaleError: If something is there, or it cannot be moved.
    """
    with user_errors("write", target):
        check_folder(source)
        check_place(target)
        if find_kind(target) is not None:
            raise CatscaleError(f"{target} is there already; remove it, or choose another folder")
        source.rename(target)
        sync_folder(target.parent)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder of this process alone among the system's temporary files, removed after the block."""
    with TemporaryDirectory(prefix="catscale-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
