"""Standard input as a corpus: it can be read once, preparation reads its train data several times."""

import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from catscale.data.config import DataConfig
from catscale.data.corpus_config import STDIN
from catscale.errors import CatscaleError, DataError
from catscale.system.console.messages import Say
from catscale.system.writing.files import create_file, make_folder, remove_file, user_errors
from catscale.system.writing.locks import try_lock
from catscale.system.writing.places import find_kind

PREFIX = ".standard-input-"
SPOOL = re.compile(r"\.standard-input-[0-9a-z_]{8}")  # the underscore: of version 0.1


@contextmanager
def standard_input_spooled(config: DataConfig, say: Say) -> Iterator[DataConfig]:
    """Copy standard input to a file in the store's folder for the time of the block, if the data ask for it.

    Args:
        config: The data; a `path` of "-" is standard input.
        say: Receives the file's size.

    Yields:
        The data with the file in the place of "-"; the same ones if they do not ask for it.

    Raises:
        DataError: If nothing is piped in.
        CatscaleError: If the file cannot be written.
    """
    if not any(part.path == STDIN for part in config.parts):
        yield config
        return
    with user_errors("keep standard input", config.store):
        make_folder(config.store)
        _clear(config.store)
        spool, file = _open_spool(config.store)
    try:
        with user_errors("keep standard input", spool):
            size = _copy(file)
            file.flush()
        say(f"standard input: {size:,} bytes, kept in {spool} while the corpus is prepared")
        yield _replace(config, spool)
    finally:
        with suppress(OSError):  # of a full disk, which was told already
            file.close()
        remove_file(spool)


def _open_spool(folder: Path) -> tuple[Path, IO[bytes]]:
    """Open a new file, which is locked as long as it is open."""
    while True:
        path = folder / f"{PREFIX}{secrets.token_hex(4)}"
        file = create_file(path)
        if try_lock(file.fileno()) is not False and path.exists():
            return path, file
        file.close()  # another process clears it away, as if it was left


def _clear(folder: Path) -> None:
    """Remove what processes that were killed left; those that run hold theirs."""
    for left in folder.glob(f"{PREFIX}*"):
        if not SPOOL.fullmatch(left.name) or find_kind(left) != "a file":
            continue
        with suppress(OSError, CatscaleError), left.open("rb") as file:
            if try_lock(file.fileno()):
                remove_file(left)


def _copy(file: IO[bytes]) -> int:
    """Copy all of standard input to an open file; the number of bytes."""
    if sys.stdin is None or sys.stdin.buffer.isatty():
        raise DataError(
            "data.path is '-', and nothing is piped in; use as in: cat corpus.tsv | catscale prepare CONFIG"
        )
    shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
    if not (size := file.tell()):
        raise DataError(
            "data.path is '-', and standard input is empty: it is read once, by the first command or process that "
            "prepares; pipe the corpus in again, or save it in a file and name that"
        )
    return size


def _replace(config: DataConfig, spool: Path) -> DataConfig:
    if config.corpora is None:
        return config.model_copy(update={"path": spool})
    parts = [part.model_copy(update={"path": spool}) if part.path == STDIN else part for part in config.corpora]
    return config.model_copy(update={"corpora": parts})
