"""The files of a recipe, complete and checked, in one folder: downloaded, found, or put there by the user."""

from collections.abc import Mapping
from pathlib import Path

from catscale.errors import DataError
from catscale.recipes.download import download, forget
from catscale.recipes.first_use import check_file, is_known
from catscale.recipes.patience import Patience
from catscale.recipes.remote_file import RemoteFile
from catscale.recipes.space import check_space, format_bytes
from catscale.system.console.messages import Say
from catscale.system.writing.files import move_file, sync_folder, user_errors


def obtain(files: Mapping[str, RemoteFile], folder: Path, say: Say, patience: Patience | None = None) -> set[str]:
    """Have all files that can be had.

    Args:
        files: Name → file.
        folder: The folder that they go to; the caller has it alone.
        say: Receives progress, and what the user has to do for files without a public address.
        patience: The limits of time of the tries.

    Returns:
        Names of the files that are there; the others need the user.

    Raises:
        DataError: If a file cannot be downloaded or is not the publisher's.
    """
    missing = {name: file for name, file in files.items() if not (folder / name).is_file()}
    coming = {name: file for name, file in missing.items() if file.url is not None}
    needed = sum(max((file.bytes or 0) - _partly(folder, name), 0) for name, file in coming.items())
    check_space(folder, needed, f"downloading {len(coming)} file(s)")
    if coming:
        over = "over " if any(file.bytes is None for file in coming.values()) else ""
        say(f"downloading {len(coming)} file(s), {over}{format_bytes(needed)}, to {folder}")
    for name, file in files.items():
        if name in missing and file.url is None:
            say(
                f"{name} has no public address and is left out. {file.manual} "
                f"Then put it into {folder} and fetch again."
            )
        elif name in missing:
            _fetch(name, file, folder, say, patience)
        elif not is_known(folder / name, name, file):
            check_file(folder / name, name, file, say)
    return {name for name, file in files.items() if name not in missing or file.url is not None}


def _fetch(name: str, file: RemoteFile, folder: Path, say: Say, patience: Patience | None) -> None:
    """Download a file and check it; one that was put together from pieces gets a second chance in one piece."""
    assert file.url is not None  # the caller's
    part = folder / f"{name}.part"
    resumed = part.exists()
    download(file.url, part, file.bytes, say, patience)
    try:
        check_file(part, name, file, say)
    except DataError:
        forget(part)
        if not resumed:
            raise
        say(f"{name}: the resumed download does not have the right checksum; downloading it again from the beginning")
        download(file.url, part, file.bytes, say, patience)
        try:
            check_file(part, name, file, say)
        except DataError:
            forget(part)
            raise
    with user_errors("write", part):
        move_file(part, folder / name)
        sync_folder(folder)
    forget(part)
    say(f"{name}: {format_bytes((folder / name).stat().st_size)}, checked")


def _partly(folder: Path, name: str) -> int:
    part = folder / f"{name}.part"
    return part.stat().st_size if part.exists() else 0
