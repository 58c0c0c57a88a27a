"""Taking members out of tar and zip archives that may be hostile.

No path, link or size in an archive is believed. Files are created by our names, each once; nothing is ever written
through a link, for none is made. The caller gives a temporary folder and moves it to its place afterwards
(`catscale.system.writing.files.new_folder`).
"""

import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO

from catscale.errors import DataError
from catscale.recipes.space import check_space
from catscale.recipes.streams import CHUNK, ArchiveLimits, Bounded, open_stream
from catscale.system.writing.files import create_file, make_folder

Rename = Callable[[str], str | None]
HEADER_BYTES = 2**20
DIRECTORY_BYTES = 2**26
NAME_BYTES = 255
PATH_BYTES = 1000
DEPTH = 32
"""Folders in which a member may lie."""

DAMAGE = (ValueError, IndexError, OverflowError, struct.error)
"""Errors that the standard library raises for some damaged headers, beside its own."""


def unpack(archive: Path, folder: Path, rename: Rename, limits: ArchiveLimits) -> list[str]:
    """Take the wanted members out of an archive.

    Args:
        archive: A tar, also compressed by gzip, bzip2 or xz, or a zip, known by its content.
        folder: The folder to write to; must not be readable by a corpus reader before it is complete.
        rename: Member's path → path below `folder`, or none to leave it.
        limits: On bytes and members.

    Returns:
        The paths below `folder`, in the archive's order.

    Raises:
        DataError: If a path leaves the folder, a wanted member is a link or a device, two members want one place, a
            size lies, a limit is passed, or the archive is damaged.
        OSError: If the folder cannot be written.
    """
    places = _Places(archive, folder, rename, limits)
    with archive.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    (_unpack_zip if is_zip else _unpack_tar)(archive, places, limits)
    return places.taken


class _Places:
    """The files that an archive may create: inside the folder, each once, whatever the file system folds."""

    def __init__(self, archive: Path, folder: Path, rename: Rename, limits: ArchiveLimits) -> None:
        self.archive, self.folder, self.rename = archive, folder, rename
        self.taken: list[str] = []
        self.room = limits.bytes
        self._keys: dict[str, str] = {}
        self._folders: set[str] = set()

    def refuse(self, name: str, why: str) -> DataError:
        return DataError(
            f"{self.archive}: the member {name[:200]!r} {why}; nothing was unpacked. Do not use this archive, "
            "or fetch it again from its publisher"
        )

    def wants(self, name: str) -> str | None:
        """Return the place of a member, or None if it is not wanted."""
        path = PurePosixPath(name)
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if path.is_absolute() or ".." in parts or "\\" in name or (parts and parts[0][1:2] == ":"):
            raise self.refuse(name, "has a path that leaves its folder")
        if len(parts) > DEPTH or len(name.encode(errors="replace")) > PATH_BYTES:
            raise self.refuse(
                name, f"lies more than {DEPTH} folders deep, or has a path of more than {PATH_BYTES} bytes"
            )
        if any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
            raise self.refuse(name, "has a name with control characters")
        place = self.rename("/".join(parts))
        if place is not None:
            self._claim(name, place)
        return place

    def _claim(self, name: str, place: str) -> None:
        if not place or place.startswith("/") or ".." in place.split("/"):  # renaming may have made it so
            raise self.refuse(name, f"would be written to {place!r}, outside its folder")
        key = unicodedata.normalize("NFKC", place).casefold()
        parents = [str(parent) for parent in PurePosixPath(key).parents][:-1]
        if key in self._keys:
            raise self.refuse(name, f"would overwrite {self._keys[key]!r}")
        if key in self._folders or any(parent in self._keys for parent in parents):
            raise self.refuse(name, "is a file where another member needs a folder")
        if any(len(part.encode()) > NAME_BYTES for part in place.split("/")):
            raise self.refuse(name, f"has a name of more than {NAME_BYTES} bytes")
        self._keys[key] = place
        self._folders.update(parents)

    def write(self, name: str, place: str, content: IO[bytes], size: int) -> None:
        """Write a member, which must have exactly the size that the archive says."""
        self.room -= size
        if self.room < 0:
            raise self.refuse(name, "passes the limit on all members together (max_unpacked_bytes or max_ratio)")
        path = self.folder / place
        make_folder(path.parent)
        written = 0
        with create_file(path) as file:
            while written <= size and (data := content.read(CHUNK)):
                written += len(data)
                file.write(data)
        if written != size:
            raise self.refuse(name, f"is said to have {size:,} bytes and has {'more' if written > size else written}")
        self.taken.append(place)


def _unpack_tar(archive: Path, places: _Places, limits: ArchiveLimits) -> None:
    with open_stream(archive, limits) as stream:
        try:
            stream.allowance = HEADER_BYTES
            with tarfile.open(fileobj=stream, mode="r|", bufsize=tarfile.RECORDSIZE) as tar:
                for _ in range(limits.members):
                    if (member := _next_member(tar, stream)) is None:
                        break
                    if not 0 <= member.size <= limits.bytes:  # tarfile would skip this many bytes, even past the end
                        raise places.refuse(member.name, f"is said to have {member.size:,} bytes")
                    _take_tar_member(tar, member, places)
                else:
                    raise _too_many(archive, limits)
            while stream.read(CHUNK):  # to the end, where the compressed data have their own checksum
                pass
        except (tarfile.TarError, *DAMAGE) as error:
            raise DataError(
                f"{archive} is no complete tar or zip archive ({error}); delete it and fetch again"
            ) from error


def _next_member(tar: tarfile.TarFile, stream: Bounded) -> tarfile.TarInfo | None:
    """Return the next member, without the list of all that tarfile keeps, and with headers of bounded length.

    tarfile reads a long name or a pax header into memory whole, whatever length it claims.
    """
    assert tar.fileobj is not None  # it is open
    stream.allowance = max(tar.offset - tar.fileobj.tell(), 0) + HEADER_BYTES
    member = tar.next()
    stream.allowance, vars(tar)["members"] = None, []
    return member


def _take_tar_member(tar: tarfile.TarFile, member: tarfile.TarInfo, places: _Places) -> None:
    if member.isdir():
        return
    place = places.wants(member.name)
    if place is None:
        return
    if not member.isreg() or member.issparse():
        raise places.refuse(member.name, "is a link, a device or a sparse file")
    content = tar.extractfile(member)
    assert content is not None  # it is a regular file
    places.write(member.name, place, content, member.size)


def _unpack_zip(archive: Path, places: _Places, limits: ArchiveLimits) -> None:
    try:
        with archive.open("rb") as file, zipfile.ZipFile(_ShortReads(file, archive)) as archived:
            members = archived.infolist()
            if len(members) > limits.members:
                raise _too_many(archive, limits)
            wanted = [(m, place) for m in members if not m.is_dir() and (place := places.wants(m.filename)) is not None]
            total = sum(member.file_size for member, _ in wanted)
            check_space(places.folder, min(total, limits.bytes), f"unpacking {archive.name}")
            for member, place in wanted:
                _take_zip_member(archived, member, place, places)
    except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError, *DAMAGE) as error:
        raise DataError(f"{archive} is no complete zip archive ({error}); delete it and fetch again") from error


def _take_zip_member(archived: zipfile.ZipFile, member: zipfile.ZipInfo, place: str, places: _Places) -> None:
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise places.refuse(member.filename, "is a link or a device")
    if member.flag_bits & 1:
        raise places.refuse(member.filename, "is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # The others are unpacked by Python in one piece, however large that becomes.
        raise places.refuse(member.filename, "is compressed by a method other than deflate")
    with archived.open(member) as content:
        places.write(member.filename, place, content, member.file_size)


class _ShortReads:
    """A file that is not read in one piece: zipfile loads the whole directory of an archive, however long."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self.file, self.path = file, path
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(min(size, DIRECTORY_BYTES) if size >= 0 else DIRECTORY_BYTES)
        if len(data) == DIRECTORY_BYTES:
            raise DataError(f"{self.path} has a directory of more than {DIRECTORY_BYTES:,} bytes; it was not unpacked")
        return data


def _too_many(archive: Path, limits: ArchiveLimits) -> DataError:
    return DataError(
        f"{archive} has more than {limits.members:,} members; it was not unpacked. If it is what its publisher made, "
        "raise max_members of the file by --recipes"
    )
