"""The manifest of a folder: size and SHA-256 of every file in it, by which damage is found and named."""

import hashlib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from catscale.system.reading.json_file import load_json
from catscale.system.reading.regular_file import check_regular
from catscale.system.reading.schema import Count, FileSchema, check
from catscale.system.writing.files import write_json

MANIFEST = "manifest.json"


class Checksum(FileSchema):
    """A manifest's entry of a file."""

    bytes: Count
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def write_manifest(folder: Path) -> None:
    """List the files of a folder, which is about to be moved to its place, in a manifest beside them."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST)
    write_json(folder / MANIFEST, {path.name: checksum(path) for path in files})


def read_manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of a folder's manifest, by the files' names.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no manifest; names that lead out of the folder make it none.
    """
    content: dict[str, dict[str, Any]] = load_json(folder / MANIFEST)
    if not isinstance(content, dict) or not all(map(is_plain_name, content)):
        raise ValueError(f"{MANIFEST} does not list files")
    for name, entry in content.items():
        try:
            check(entry, Checksum)
        except ValueError as error:
            raise ValueError(f"{MANIFEST}: {name[:60]}: {error}") from None
    return content


def find_damage(folder: Path, required: Collection[str] = ()) -> str | None:
    """Return what is wrong with a folder's files, in words, or None.

    Args:
        folder: Holds a manifest.
        required: Files that the manifest must list.
    """
    try:
        manifest = read_manifest(folder)
        missing = sorted(set(required) - manifest.keys())
        if missing:
            return f"{MANIFEST} does not list {', '.join(missing)}"
        for name, expected in manifest.items():
            if checksum(folder / name) != expected:
                return f"{name} does not match its checksum"
    except (OSError, ValueError) as error:
        return str(error)
    return None


def find_file_damage(path: Path, expected: dict[str, Any]) -> str | None:
    """Return how a file differs from what `checksum` returned before, in words, or None."""
    try:
        size = path.stat().st_size
        if size != expected["bytes"]:
            return f"{path} has {size:,} bytes instead of {expected['bytes']:,}"
        return None if checksum(path) == expected else f"{path} does not match its checksum"
    except FileNotFoundError:
        return f"{path} is missing"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"


def checksum(path: Path) -> dict[str, Any]:
    """Return the size and SHA-256 of a file."""
    check_regular(path)  # a pipe would be waited for
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def forget_cached(folder: Path) -> None:
    """Ask the system to drop what it remembers of a folder's files, so that they are next read from the disk."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def is_plain_name(name: str) -> bool:
    """Return whether a text is the name of a file in a folder, and not a path to another one."""
    return (
        0 < len(name.encode(errors="replace")) <= 255
        and name not in (".", "..")
        and not set(name) & {"/", os.sep, "\0"}
    )
