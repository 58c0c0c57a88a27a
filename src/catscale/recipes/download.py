"""Downloading one file: resumed after a break or a kill, retried, never silently wrong.

Bytes go to `NAME.part`; `NAME.part.json` says of which version of the file they are (its entity tag or date), so that
the rest is asked for only if that version is still the one at the address. The caller checks the finished `.part`
(`catscale.recipes.first_use`) and renames it.
"""

import http.client
import ssl
import time
import urllib.error
import urllib.request
from io import BufferedWriter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from catscale import __version__
from catscale.errors import DataError
from catscale.recipes.http_opener import make_opener
from catscale.recipes.patience import BrokenError, Pace, Patience, SlowError
from catscale.recipes.space import check_space, format_bytes
from catscale.recipes.transfer_view import TransferView
from catscale.system.console.messages import Say
from catscale.system.reading.json_file import SMALL, load_json
from catscale.system.reading.schema import FileSchema, Text
from catscale.system.writing.files import append_to, remove_file, user_errors, write_json
from catscale.system.writing.markers import read_small
from catscale.system.writing.places import check_file

CHUNK = 2**18
DIGITS = 18
"""The most digits of a length in a header."""
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses that a later try may not meet."""


class NoteFile(FileSchema):
    """`NAME.part.json`: of which version of the file the bytes are."""

    url: Text
    version: Text | None = None


def download(url: str, part: Path, size: int | None, say: Say, patience: Patience | None = None) -> None:
    """Bring a file to the disk, from where an earlier try left off.

    Args:
        url: Its address.
        part: The file to write, `NAME.part`.
        size: Its length, where a recipe says so.
        say: Receives a line for each failed try.
        patience: The limits of time of the tries.

    Raises:
        DataError: If the server refuses, cannot be reached, offers another length than `size`, or the disk is full.
        CatscaleError: If the file cannot be written.
    """
    _check_ours(part)
    patience, opener, failures, farthest = patience or Patience(), make_opener(), 0, _length(part)
    while True:
        try:
            with user_errors("write", part):
                _try_once(opener, url, part, size, patience)
            return
        except BrokenError as error:
            is_ahead = _length(part) > farthest and not isinstance(error, SlowError)
            failures = 1 if is_ahead else failures + 1
            farthest = max(farthest, _length(part))
            if failures >= patience.tries:
                raise DataError(
                    f"{url} could not be downloaded: {error} ({failures} tries without enough); "
                    f"{format_bytes(_length(part))} are kept. Try again later, or put the file there yourself as "
                    f"{part.with_suffix('')}"
                ) from error
            wait = min(error.wait or patience.wait * 2 ** (failures - 1), patience.longest)
            say(f"{part.stem}: {error}; trying again in {wait:.0f} s")
            time.sleep(wait)


def _try_once(
    opener: urllib.request.OpenerDirector, url: str, part: Path, size: int | None, patience: Patience
) -> None:
    start, version = _resumable(url, part)
    if size is not None and start == size:
        return
    headers = {"User-Agent": f"catscale/{__version__}", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": version}
    try:
        with opener.open(urllib.request.Request(url, headers=headers), timeout=patience.timeout) as response:
            _receive(response, url, part, start, size, Pace(patience))
    except urllib.error.HTTPError as error:
        _explain_status(error, url, part, size)
    except urllib.error.URLError as error:
        _explain_connection(error.reason, url)
    except (http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
        _explain_connection(error, url)
    except (ValueError, http.client.InvalidURL) as error:  # a redirection's address, or the recipe's own
        raise DataError(
            f"{url} leads to an address that is none ({error}); give a right one by --recipes, or try again later"
        ) from error


def _receive(response: Any, url: str, part: Path, start: int, size: int | None, pace: Pace) -> None:
    """Write what comes, after `start` bytes if the server goes on there, else from the beginning."""
    rest = _number(response.headers.get("Content-Length"))
    if response.status != 206 or _first_byte(response) != start:
        if response.status == 206:
            forget(part)
            raise BrokenError("the server sent another part than was asked for")
        start = 0
    total = None if rest is None else start + rest
    if total is not None:
        _check_length(total, url, part, size)
        check_space(part.parent, total - start, f"downloading {part.stem}")
    if start == 0:
        _remember(url, part, response.headers)
    with TransferView(part.stem, total or size, start) as view, BufferedWriter(append_to(part, start)) as file:
        while data := _read(response):
            file.write(data)
            view.advance(len(data))
            pace.count(len(data))
            if size is not None and view.done > size:
                forget(part)
                raise DataError(
                    f"{url} has more than the {size:,} bytes that the recipe says, and was not kept; its publisher "
                    "changed it. If you trust the new file, give its bytes and sha256 by --recipes"
                )
    if total is None and not _length(part):  # a head that broke off looks like one without a length
        raise BrokenError("the answer was empty")
    whole = size if total is None else total
    if whole is not None and _length(part) != whole:
        raise BrokenError(f"the connection broke off after {format_bytes(_length(part))} of {format_bytes(whole)}")


def _check_length(total: int, url: str, part: Path, size: int | None) -> None:
    if size is not None and total != size:
        forget(part)
        raise DataError(
            f"{url} has {total:,} bytes and the recipe says {size:,}; its publisher changed it. If you trust the new "
            "file, give its bytes and sha256 by --recipes"
        )


def _read(response: Any) -> bytes:
    """Read a chunk, telling errors of the connection from those of the disk."""
    try:
        return bytes(response.read1(CHUNK))
    except (OSError, http.client.HTTPException) as error:
        raise BrokenError(f"the connection broke off ({error or type(error).__name__})") from error


def _resumable(url: str, part: Path) -> tuple[int, str]:
    """Return the number of bytes here and their version; 0 if the version is unknown or of another address."""
    try:
        kept = load_json(_note(part), NoteFile, SMALL)
        version: str = (kept.get("version") or "") if kept["url"] == url else ""
    except (OSError, ValueError):
        version = ""
    return (_length(part), version) if version else (0, "")


def _remember(url: str, part: Path, headers: Any) -> None:
    tag = headers.get("ETag") or ""
    version = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")  # a weak tag cannot be resumed
    remove_file(part)  # a kill between the two leaves no bytes of another version
    write_json(_note(part), {"url": url, "version": version})


def forget(part: Path) -> None:
    """Remove what is kept of an unfinished download."""
    remove_file(part)
    remove_file(_note(part))


def _check_ours(part: Path) -> None:
    """Check that what has the name of an unfinished download is one of ours: a note on it lies beside it.

    Raises:
        CatscaleError: If it is not.
    """
    is_there, note = check_file(part), check_file(_note(part))
    if note is None and is_there is None:
        return
    kept = read_small(_note(part)) or {}
    if not kept.keys() >= {"url", "version"}:
        name = part if note is None else _note(part)
        raise DataError(f"{name} is there, and no download of catscale left it; move it away, or choose another folder")


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _first_byte(response: Any) -> int:
    """Return the first byte of a partial answer, from `bytes 100-199/200`."""
    first = _number(str(response.headers.get("Content-Range", "")).removeprefix("bytes ").partition("-")[0])
    return -1 if first is None else first


def _number(text: str | None) -> int | None:
    """Return a header's number; None if there is none, or it cannot be a length: Python reads at most 4,300 digits."""
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) <= DIGITS else None


def _explain_status(error: urllib.error.HTTPError, url: str, part: Path, size: int | None) -> None:
    if error.code == 416:  # nothing after what we have: it is whole, or another file
        if str(error.headers.get("Content-Range", "")).rpartition("/")[2] == str(_length(part)):
            _check_length(_length(part), url, part, size)
            return
        forget(part)
        raise BrokenError("the server has no such part of the file") from error
    if error.code in PASSING:
        wait = _number(error.headers.get("Retry-After"))
        raise BrokenError(f"{error.code} {error.reason}", None if wait is None else float(wait)) from error
    raise DataError(
        f"{url} is not to be had: {error.code} {error.reason}. If the file has moved, give its new address in files: "
        f"by --recipes; or put it there yourself as {part.with_suffix('')}"
    ) from error


def _explain_connection(reason: Any, url: str) -> None:
    if isinstance(reason, ssl.SSLCertVerificationError):
        raise DataError(
            f"the certificate of {urlsplit(url).hostname} could not be verified: {reason.verify_message}; "
            "set SSL_CERT_FILE to your organisation's certificates if it re-signs connections"
        ) from reason
    raise BrokenError(f"cannot reach {urlsplit(url).netloc} ({reason})")
