"""A file that a recipe takes: its address, its checksums, and how far it is unpacked."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from catscale.settings import Settings

LENGTH = 2**60
"""A number of bytes of a file, or of pairs of a corpus."""


def check_file_name(name: str) -> str:
    """Return a name under which a file may lie on any disk.

    Raises:
        ValueError: If it is none.
    """
    if len(name) > 200 or not re.fullmatch(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*", name):
        raise ValueError(
            "a file's name has letters from A to Z, digits and . _ - +, starts with no dot, and is at most 200 "
            f"characters long; found {name[:80]!r}"
        )
    return name


FileName = Annotated[str, AfterValidator(check_file_name)]


class RemoteFile(Settings):
    """A file to download.

    Attributes:
        url: Its address, http or https; null for a file that the user has to get.
        bytes: Its length, where it is known.
        sha256: The publisher's checksum, or that of a public index of data sets; null where there is none.
        md5: Its MD5, where only this weaker checksum is known.
        manual: Instructions for the user, for a file without a public address.
        max_unpacked_bytes: An archive that unpacks to more is refused.
        max_ratio: An archive that unpacks to more than this multiple of its own length is refused.
        max_members: An archive with more members is refused.
    """

    url: str | None = None
    bytes: int | None = Field(default=None, ge=1, le=LENGTH)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    md5: str | None = Field(default=None, pattern="^[0-9a-f]{32}$")
    manual: str | None = None
    max_unpacked_bytes: int = Field(default=200 * 2**30, ge=1, le=LENGTH)
    max_ratio: float = Field(default=100.0, ge=1, le=1e6)
    max_members: int = Field(default=10_000, ge=1, le=10_000_000)

    @model_validator(mode="after")
    def _check_source(self) -> "RemoteFile":
        if (self.url is None) == (self.manual is None):
            raise ValueError("give either url or manual (what the user has to do), and the other as null")
        if self.url is not None:
            parts = urlsplit(self.url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"url must be an address with http or https, found {self.url!r}")
        return self
