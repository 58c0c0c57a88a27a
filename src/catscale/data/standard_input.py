"""Standard input as a corpus: it can be read once, preparation reads its train data several times."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from catscale.data.config import DataConfig
from catscale.data.corpus_config import STDIN
from catscale.errors import DataError
from catscale.system.files import user_errors
from catscale.system.locks import try_lock

PREFIX = ".standard-input-"


@contextmanager
def standard_input_spooled(config: DataConfig, say: Callable[[str], None]) -> Iterator[DataConfig]:
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
        config.store.mkdir(parents=True, exist_ok=True)
        _clear(config.store)
        file = _open_spool(config.store)
    spool = Path(file.name)
    try:
        with user_errors("keep standard input", spool):
            size = _copy(file)
            file.flush()
        say(f"standard input: {size:,} bytes, kept in {spool} while the corpus is prepared")
        yield _replace(config, spool)
    finally:
        with suppress(OSError):  # of a full disk, which was told already
            file.close()
        spool.unlink(missing_ok=True)


def _open_spool(folder: Path) -> IO[bytes]:
    """A new file, which is locked as long as it is open."""
    while True:
        file = NamedTemporaryFile(dir=folder, prefix=PREFIX, delete=False)  # noqa: SIM115 - the caller closes it
        if try_lock(file.fileno()) is not False and Path(file.name).exists():
            return file
        file.close()  # another process clears it away, as if it was left


def _clear(folder: Path) -> None:
    """Remove what processes that were killed left; those that run hold theirs."""
    for left in folder.glob(f"{PREFIX}*"):
        with suppress(OSError), left.open("rb") as file:
            if try_lock(file.fileno()):
                left.unlink()


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
