"""Writing files so that a reader never sees half of one.

A file is written beside its place under a temporary name, flushed to the disk and renamed.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from catscale.errors import CatscaleError


@contextmanager
def user_errors(action: str, path: Path) -> Iterator[None]:
    """Turn the operating system's refusals (read-only, disk full, not a folder) into one clear message.

    Libraries written in Rust (safetensors, tokenizers) raise other classes for them, with `(os error 28)` in the text.

    Args:
        action: What was being done, as in "write the checkpoint".
        path: The file or folder concerned.

    Raises:
        CatscaleError: For any `OSError` inside the block, and what stands for one.
    """
    try:
        yield
    except CatscaleError:
        raise
    except Exception as error:
        if not isinstance(error, OSError) and "(os error " not in str(error):
            raise
        place, reason = getattr(error, "filename", None) or path, getattr(error, "strerror", None) or error
        raise CatscaleError(
            f"cannot {action} {place}: {reason}; check the permissions and the free space, or choose another folder"
        ) from error


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: temporary file, fsync, rename; a device or a pipe is written to as it is."""
    with user_errors("write", path):
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(content)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)


def write_text(path: Path, content: str) -> None:
    """Write a UTF-8 text file atomically."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically, indented; not-a-number is refused."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder under a temporary name and move it to its place when the block ends well.

    A folder that is already there is replaced: it is moved aside first and removed last, so that at every
    moment either the old or the new one exists, at `path` or at `.NAME.old` (see `recover_folder`).

    Yields:
        The temporary folder to fill.
    """
    temporary, aside = path.with_name(f".{path.name}.tmp"), path.with_name(f".{path.name}.old")
    with user_errors("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    with file.open("rb+") as handle:
                        os.fsync(handle.fileno())
            sync_folder(temporary)
            shutil.rmtree(aside, ignore_errors=True)
            if path.exists():
                path.rename(aside)
            temporary.rename(path)
            sync_folder(path.parent)
            shutil.rmtree(aside, ignore_errors=True)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            recover_folder(path)


def recover_folder(path: Path) -> None:
    """Undo a replacement by `new_folder` that was cut off between its two renames."""
    aside = path.with_name(f".{path.name}.old")
    if aside.exists() and not path.exists():
        aside.rename(path)


def clear_leftovers(path: Path) -> None:
    """Settle a write to `path` that a kill cut off: undo half a replacement, remove temporary files and folders.

    Whoever calls it must be the only one that writes to `path`.

    Raises:
        CatscaleError: If the folder cannot be written to.
    """
    with user_errors("clear what an earlier process left of", path):
        recover_folder(path)
        shutil.rmtree(path.with_name(f".{path.name}.old"), ignore_errors=True)
        temporary = path.with_name(f".{path.name}.tmp")
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)
