"""Small archives, honest and hostile."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

COMPRESS = {"": bytes, "gz": lambda data: gzip.compress(data, mtime=0), "bz2": bz2.compress, "xz": lzma.compress}


def tar(members: dict[str, bytes] | list[tuple[str, bytes]], compression: str = "gz") -> bytes:
    """A tar of regular files."""
    return make_tar([regular(name, content) for name, content in dict_items(members)], compression)


def dict_items(members) -> list[tuple[str, bytes]]:
    return list(members.items()) if isinstance(members, dict) else members


def regular(name: str, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info, content


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """A link, a device, a folder."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def make_tar(members: list[tuple[tarfile.TarInfo, bytes]], compression: str = "gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return COMPRESS[compression](buffer.getvalue())


def make_zip(members: dict[str, bytes], **changes: object) -> bytes:
    """A zip; `changes` are set on every entry."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in changes.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return buffer.getvalue()
