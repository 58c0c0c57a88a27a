"""Whether a downloaded file is the publisher's: its checksum against the recipe's, or against that of its first use.

Beside a file `NAME` lies `NAME.lock.json` with its length, SHA-256 and how that was checked. It stays when the file is
deleted, so that a file without a published checksum can at least not change unnoticed.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from catscale.errors import DataError
from catscale.recipes.remote_file import RemoteFile
from catscale.system.console.messages import Say
from catscale.system.reading.json_file import SMALL, load_json
from catscale.system.reading.schema import Count, FileSchema, Text
from catscale.system.writing import places
from catscale.system.writing.files import write_json

CHUNK = 2**20


class LockFile(FileSchema):
    """The record beside a file that was checked."""

    name: Text | None = None
    url: Text | None = None
    bytes: Count
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    checked: Text | None = None
    modified: int | None = None


def check_file(path: Path, name: str, file: RemoteFile, say: Say) -> None:
    """Compare a file with its recipe, or with its first use, and record what was found.

    Args:
        path: The complete file, which may still have its temporary name.
        name: Its name in the table.
        file: Its recipe.
        say: Hears of a file whose publisher's checksum is not known.

    Raises:
        DataError: If the length or a checksum differs; both are named.
    """
    lock = path.with_name(f"{name}.lock.json")
    is_there = places.check_file(lock) is not None
    record = read_lock(path, name) if is_there else None
    if is_there and (record is None or record.get("name", name) != name or not record.keys() & {"name", "sha256"}):
        raise DataError(f"{lock} is there, and is no record of catscale's; move it away, or choose another folder")
    found = digests(path)
    _compare(name, "bytes", path.stat().st_size, file.bytes, "the recipe")
    _compare(name, "SHA-256", found["sha256"], file.sha256, "the recipe")
    _compare(name, "MD5", found["md5"], file.md5, "the recipe")
    checked = "sha256 of the recipe" if file.sha256 else "md5 of the recipe" if file.md5 else "first use"
    if file.sha256 is None and record is not None:
        _compare(name, "SHA-256", found["sha256"], record.get("sha256"), f"{lock}, written at its first use,")
    elif file.sha256 is None:
        but = ", only its MD5, which agrees" if file.md5 else ""
        say(
            f"{name}: no SHA-256 of the publisher is known{but}; found {found['sha256']}, which is recorded in "
            f"{lock.name} and expected from now on"
        )
    status = path.stat()
    write_json(
        lock,
        {
            "name": name,
            "url": file.url,
            "bytes": status.st_size,
            "sha256": found["sha256"],
            "checked": checked,
            "modified": status.st_mtime_ns,
        },
    )


def is_known(path: Path, name: str, file: RemoteFile) -> bool:
    """Return whether a file is, by length and date, the one that was checked against what the recipe says now."""
    record = read_lock(path, name)
    if record is None or not isinstance(record.get("sha256"), str) or not path.is_file():
        return False
    status = path.stat()
    same = (status.st_size, status.st_mtime_ns) == (record.get("bytes"), record.get("modified"))
    return same and file.sha256 in (None, record.get("sha256")) and file.bytes in (None, status.st_size)


def read_lock(path: Path, name: str) -> dict[str, Any] | None:
    """Return the record of a file, or None; `check_file` refuses a record that is there and damaged."""
    try:
        record: dict[str, Any] = load_json(path.with_name(f"{name}.lock.json"), LockFile, SMALL)
        return record
    except (OSError, ValueError):
        return None


def digests(path: Path) -> dict[str, str]:
    """Return the SHA-256 and MD5 of a file, as hexadecimal digits."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            sha256.update(data)
            md5.update(data)
    return {"sha256": sha256.hexdigest(), "md5": md5.hexdigest()}


def _compare(name: str, what: str, found: object, expected: object, by: str) -> None:
    if expected is not None and found != expected:
        raise DataError(
            f"{name} has {what} {found}, and {by} says {expected}: it is damaged, or not the file that was "
            "published. It is not used. Delete it if it is still there and fetch again; if it stays so, compare with "
            f"the publisher's page, and give the right values by --recipes or delete {name}.lock.json"
        )
