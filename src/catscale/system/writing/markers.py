"""The owner of a folder: the marker `.catscale` that we leave in every folder that we make for the user.

A folder that is there already is used if it carries the marker of its kind, if it is empty, or if it can be told that
version 0.1, which left no markers, made it. Any other is refused: what is in it is the user's.
"""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catscale import __version__
from catscale.errors import ConfigError
from catscale.system.reading.json_file import parse_json
from catscale.system.refusal import user_errors
from catscale.system.writing.files import remove_file, write_json
from catscale.system.writing.folders import make_folder, names_beside, remove_empty_folder
from catscale.system.writing.places import check_file, check_folder, find_kind, working_in

MARKER = ".catscale"
LONGEST = 4096  # bytes of a marker
Recogniser = Callable[[Path], bool]


def never(folder: Path) -> bool:
    """Take no folder without a marker for one of ours."""
    return False


@dataclass(frozen=True)
class Kind:
    """A kind of folders that we make.

    Attributes:
        name: The name of the kind, as in "comparison".
        also: Names of other kinds whose folders may serve.
        earlier: Tells a folder that version 0.1 made.
        harmless: Names that may stand in a folder without a marker: nothing of ours replaces them.
        files: Names of files that we write in it, which are looked at beforehand.
        folders: Names of folders that we write in it.
    """

    name: str
    also: Collection[str] = ()
    earlier: Recogniser = never
    harmless: Collection[str] = ()
    files: Collection[str] = ()
    folders: Collection[str] = ()


@contextmanager
def claimed(folder: Path, kind: Kind) -> Iterator[None]:
    """Make a folder, or check that it is ours; mark it, and follow no link in it for the time of the block.

    Args:
        folder: The user named it.
        kind: The kind of its content.

    Raises:
        ConfigError: If the folder is somebody else's; nothing was written to it.
        CatscaleError: If it cannot be made or written to.
    """
    check_claim(folder, kind)
    with user_errors("make the folder", folder):
        make_folder(folder)
    with working_in(folder):
        mark(folder, kind.name)
        yield


def check_claim(folder: Path, kind: Kind) -> None:
    """Refuse a folder that is neither ours nor empty, and a link or similar in the place of what we write there.

    Raises:
        ConfigError: If it is somebody else's.
        CatscaleError: If something else is in the place of a file or a folder of ours.
    """
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise ConfigError(f"{folder} is {find_kind(folder)} and no folder; choose another folder")
    found = kind_of(folder)
    if found is None:
        _check_unmarked(folder, kind)
    elif found not in (kind.name, *kind.also):
        raise ConfigError(f"{folder} holds a {found} of catscale and no {kind.name}; choose another folder")
    for name in kind.files:
        check_file(folder / name)
    for name in kind.folders:
        check_folder(folder / name)


def _check_unmarked(folder: Path, kind: Kind) -> None:
    """Refuse a folder without a marker that holds what is not ours."""
    own = {MARKER, *(path.name for path in names_beside(folder / MARKER, "tmp"))} - ({MARKER} - _regular(folder))
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in own | set(kind.harmless))
    if foreign and not kind.earlier(folder):
        raise ConfigError(
            f"{folder} exists and is not a {kind.name}'s folder: it holds {foreign[0]!r} and no {MARKER}, which "
            "catscale leaves in every folder that it makes; choose an empty or a new folder"
        )


def _regular(folder: Path) -> set[str]:
    return {MARKER} if find_kind(folder / MARKER) == "a file" else set()


def kind_of(folder: Path) -> str | None:
    """Return the kind of a folder, as its marker tells; None where there is none."""
    path = folder / MARKER
    if find_kind(path) != "a file":
        return None
    content = read_small(path)
    return content["kind"] if content is not None and isinstance(content.get("kind"), str) else None


def mark(folder: Path, kind: str) -> None:
    """Leave the marker of a kind in a folder, unless there is one.

    Raises:
        CatscaleError: If it cannot be written.
    """
    if kind_of(folder) is None:
        write_json(folder / MARKER, {"kind": kind, "made_by": f"catscale {__version__}"})


def withdraw(folder: Path) -> None:
    """Remove a folder in which there is nothing but the marker."""
    if folder.is_dir() and [path.name for path in folder.iterdir()] == [MARKER]:
        remove_file(folder / MARKER)
    remove_empty_folder(folder)


def read_small(path: Path) -> dict[str, Any] | None:
    """Return the keys of a small JSON file; None where it holds none, or there is no regular file."""
    try:
        if find_kind(path) != "a file":
            return None
        with path.open("rb") as file:
            content = parse_json(file.read(LONGEST))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
