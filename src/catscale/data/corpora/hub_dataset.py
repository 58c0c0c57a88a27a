"""A dataset as the package `datasets` gives it: its commit, configurations, splits and records.

Nothing of a dataset is executed: `datasets` has no loading scripts since version 4, and of its builders only those of
plain data formats are used.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from catscale.errors import ConfigError, DataError, UnreadableError
from catscale.system.offline import allowed_online

T = TypeVar("T")
PLAIN = ("parquet", "json", "csv", "arrow")
SAVED = ("dataset_dict.json", "state.json")  # what save_to_disk leaves
COMMIT = re.compile("[0-9a-f]{40}")


class HubDataset:
    """A dataset of the Hugging Face Hub, or a folder in one of its forms.

    Args:
        path: A folder if it is there, else a name on the Hub.
        revision: A branch, a tag or a commit on the Hub; none for the newest.

    Raises:
        DataError: If the path is neither.
    """

    def __init__(self, path: Path, revision: str | None) -> None:
        self.is_local, self._asked = path.exists(), revision
        self.path = path.absolute() if self.is_local else path  # `datasets` needs the name of the folder
        self._splits_of: dict[str | None, list[str]] = {}
        if not self.is_local and (path.is_absolute() or not 1 <= len(path.parts) <= 2):
            raise DataError(
                f"data.path {path} is neither a folder (seen from {Path.cwd()}) nor a name on the Hub such as "
                "Helsinki-NLP/opus-100; correct data.path"
            )

    @cached_property
    def revision(self) -> str | None:
        """The commit that is read; none for a folder.

        Raises:
            DataError: If the Hub cannot be asked, or has no such dataset or revision.
        """
        if self.is_local or COMMIT.fullmatch(self._asked or ""):
            return self._asked
        hub = _import("huggingface_hub")
        return str(self._ask(lambda: hub.HfApi().dataset_info(self.path.as_posix(), revision=self._asked)).sha)

    @property
    def is_saved(self) -> bool:
        """Whether it is a folder that `save_to_disk` wrote, which has no configurations."""
        return any((self.path / name).is_file() for name in SAVED)

    @cached_property
    def names(self) -> list[str | None]:
        """Its configurations.

        Raises:
            DataError: If it cannot be read.
        """
        if self.is_saved:
            return [None]
        package = _import("datasets")
        asked = {"revision": self.revision}
        return list(self._ask(lambda: package.get_dataset_config_names(self.path.as_posix(), **asked)))

    def splits(self, name: str | None) -> list[str]:
        """Return the splits of a configuration.

        Raises:
            DataError: If it cannot be read.
        """
        if name not in self._splits_of:
            self._splits_of[name] = self._read_splits(name)
        return self._splits_of[name]

    def _read_splits(self, name: str | None) -> list[str]:
        if self.is_saved:
            return list(self._load_saved())
        package = _import("datasets")
        path, asked = self.path.as_posix(), {"revision": self.revision}
        return list(self._ask(lambda: package.get_dataset_split_names(path, name, **asked)))

    def _load_saved(self) -> dict[str, Any]:
        package = _import("datasets")
        loaded = self._ask(lambda: package.load_from_disk(self.path.as_posix()))
        return dict(loaded) if isinstance(loaded, dict) else {"train": loaded}

    def records(self, name: str | None, split: str) -> Iterator[dict[str, Any]]:
        """Stream the records of a split.

        Raises:
            DataError: If it cannot be read, or is not of a plain format.
        """
        records: Iterable[dict[str, Any]]
        records = self._load_saved()[split] if self.is_saved else self._stream(name, split)
        iterator = iter(records)
        while (record := self._ask(lambda: next(iterator, None))) is not None:
            yield record

    def _stream(self, name: str | None, split: str) -> Iterable[dict[str, Any]]:
        package = _import("datasets")
        path, asked = self.path.as_posix(), {"revision": self.revision}
        builder = self._ask(lambda: package.load_dataset_builder(path, name, **asked))
        kind = type(builder).__module__.rpartition(".")[2]
        if kind not in PLAIN:
            raise DataError(f"the dataset {self.path} is of the kind {kind!r}; {', '.join(PLAIN)} are read: convert it")
        records: Iterable[dict[str, Any]] = self._ask(lambda: builder.as_streaming_dataset(split=split))
        return records

    def _ask(self, ask: Callable[[], T]) -> T:
        try:
            with allowed_online():
                return ask()
        except Exception as error:  # those of the network, of files and of Arrow have no base in common
            lines = str(error).splitlines() or [type(error).__name__]
            because = f" {lines[-1]}" if lines[-1].startswith("because ") else ""  # long tables of columns go before it
            problem = lines[0] + because
            raise UnreadableError(
                f"cannot read the dataset {self.path}: {problem}; check data.path, data.name and data.revision, or "
                "download it and name its folder"
            ) from error


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"the format hf needs the package {name} ({error}); install it: pip install 'catscale[datasets]'"
        ) from error
