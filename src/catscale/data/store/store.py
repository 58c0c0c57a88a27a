"""A prepared corpus on disk: token files, the raw dev and test text, the vocabulary, and a manifest.

FOLDER/manifest.json                             written last; checksums of all files, statistics
FOLDER/vocabulary/                               loads with `Vocabulary.load` and `AutoTokenizer`
FOLDER/SPLIT.DIRECTION.{source,target}.{ids,offsets}
FOLDER/{dev,test}.DIRECTION.{source,target}.txt  the unchanged text, a line per pair
FOLDER/{dev,test}.DIRECTION.reference-N.txt      further references, N = 1, 2 …, where the corpus has them
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catscale.data.direction import Direction
from catscale.data.formats.lines import read_written
from catscale.data.store.checksums import ChecksumWatch
from catscale.data.store.manifest_schema import Formatted, StoreManifest
from catscale.data.store.sentences import Sentences
from catscale.data.store.token_files import TokenReader
from catscale.errors import DataError
from catscale.system.reading.json_file import load_json
from catscale.system.reading.regular_file import reason_of
from catscale.system.reading.schema import check
from catscale.system.writing.files import write_json
from catscale.system.writing.manifest import MANIFEST
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.table import load_vocabulary

FORMAT = 2  # of the folder
IDS = ".ids"  # the ending of the files of tokens
READERS = 4  # threads that compare checksums while nothing else is done


def stem(folder: Path, split: str, direction: Direction, side: str) -> Path:
    """Return the path of one side of a split, without its ending."""
    return folder / f"{split}.{direction}.{side}"


def reference_path(folder: Path, split: str, direction: Direction, number: int) -> Path:
    """Return the path of the further references of a split, the first of which is number 1."""
    return folder / f"{split}.{direction}.reference-{number}.txt"


class Pairs:
    """The sentence pairs of one split of one direction.

    They stay on the disk, memory-mapped; only what is asked for is read.
    """

    def __init__(self, folder: Path, split: str, direction: Direction, vocabulary_size: int) -> None:
        self._stems = [stem(folder, split, direction, side) for side in ("source", "target")]
        self._further = partial(reference_path, folder, split, direction)
        self._sources, self._targets = (TokenReader(path, vocabulary_size) for path in self._stems)
        if len(self._sources) != len(self._targets):
            found = f"{len(self._sources):,} sources and {len(self._targets):,} targets"
            raise DataError(
                f"{folder} is no token store ({split}.{direction} has {found}); delete it and prepare again"
            )

    def __len__(self) -> int:
        return len(self._sources)

    @cached_property
    def source_lengths(self) -> NDArray[np.int32]:
        """(pairs,) int32 pieces of all sources, without tag and `</s>`."""
        return self._sources.lengths()

    @cached_property
    def target_lengths(self) -> NDArray[np.int32]:
        """(pairs,) int32 pieces of all targets, without tag and `</s>`."""
        return self._targets.lengths()

    @property
    def target_tokens(self) -> int:
        """Pieces of all targets, without tag and `</s>`."""
        return self._targets.tokens

    def lengths(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the pieces of some sources and of their targets, each (indices,) int32."""
        return self._sources.lengths(indices), self._targets.lengths(indices)

    def take(self, indices: NDArray[np.int64]) -> tuple[Sentences, Sentences]:
        """Return some sources and their targets."""
        return self._sources.take(indices), self._targets.take(indices)

    def source(self, index: int) -> NDArray[Any]:
        """Return the (pieces,) ids of a source sentence, a view of the file, without tag and `</s>`."""
        return self._sources[index]

    def target(self, index: int) -> NDArray[Any]:
        """Return the (pieces,) ids of a target sentence, a view of the file, without tag and `</s>`."""
        return self._targets[index]

    def source_text(self) -> list[str]:
        """Return the source lines of dev or test as they were.

        Raises:
            DataError: If the split is train, whose text is not kept, or if they are not one per pair.
        """
        return self._text(0)

    def target_text(self) -> list[str]:
        """Return the target lines of dev or test as they were.

        Raises:
            DataError: If the split is train, whose text is not kept.
        """
        return self._text(1)

    def further_references(self) -> list[list[str]]:
        """Return references of dev or test beside the target, where the corpus has them; an empty line is no
        reference."""
        found: list[list[str]] = []
        while (path := self._further(len(found) + 1)).is_file():
            found.append(self._read_text(path))
        return found

    def _text(self, side: int) -> list[str]:
        path = self._stems[side].with_name(self._stems[side].name + ".txt")
        if not path.exists():
            raise DataError(f"{path.parent} keeps no text of the train split; ask for dev or test")
        return self._read_text(path)

    def _read_text(self, path: Path) -> list[str]:
        """Return the lines of a text, one per pair.

        Raises:
            DataError: If there are more or fewer, or they are not UTF-8.
        """
        try:
            lines = list(read_written(path))
            if len(lines) == len(self):
                return lines
            reason = f"{path.name} has {len(lines):,} lines for {len(self):,} pairs"
        except UnicodeDecodeError as error:
            reason = f"{path.name}: {error}"
        raise DataError(f"{path.parent} is no token store ({reason}); delete it and prepare again")


class Store:
    """A prepared corpus; `open` makes one.

    Attributes:
        folder: The folder of the store.
        fingerprint: SHA-256 of everything it was made from.
        directions: The directions in the order of the configuration.
        zero_shot: Directions that have dev and test splits alone: they are scored and never trained.
        statistics: Direction → split → pairs read, kept and dropped by reason, overlap and tokens.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any], watch: ChecksumWatch) -> None:
        self.folder, self._watch = folder, watch
        self.fingerprint: str = manifest["fingerprint"]
        self.directions = tuple(Direction.parse(text) for text in manifest["directions"])
        self.zero_shot = tuple(Direction.parse(text) for text in manifest.get("zero_shot", ()))
        self.statistics: dict[str, dict[str, Any]] = manifest["statistics"]
        self._vocabulary_size: int = manifest["vocabulary_size"]

    @classmethod
    def open(cls, folder: Path, at_once: bool = False) -> "Store":
        """Open a store, and compare the checksum of every file with the manifest.

        Args:
            folder: The store's.
            at_once: Whether to return while the files of tokens, most of a store, are still compared, which takes a
                second for each gigabyte or two; `confirm` must then be called before anything is made that stays.

        Raises:
            DataError: If a file is missing or not what it was, or the manifest is not ours.
        """
        try:
            manifest = load_json(folder / MANIFEST, Formatted)
            if manifest["format"] == FORMAT:
                check(manifest, StoreManifest)
        except (OSError, ValueError) as error:
            raise DataError(
                f"{folder} is no token store ({MANIFEST}: {reason_of(error)}); delete it and prepare again"
            ) from error
        if manifest["format"] != FORMAT:
            raise DataError(
                f"{folder} has format {manifest['format']}, this version reads {FORMAT}; delete it and prepare again"
            )
        sums, own = dict(manifest["files"]), manifest.pop("checksum")
        if own != _checksum(manifest):
            raise DataError(
                f"the token store is damaged: {folder / MANIFEST} does not match its checksum; delete {folder} and "
                "prepare again"
            )
        behind = {name: sums.pop(name) for name in list(sums) if at_once and name.endswith(IDS)}
        ChecksumWatch(folder, sums, READERS).confirm()
        return cls(folder, manifest, ChecksumWatch(folder, behind, 1))

    def confirm(self, wait: bool = True) -> None:
        """Raise if a file is found not to be what it was.

        Args:
            wait: Whether to wait until all are compared, or else tell what is known by now.

        Raises:
            DataError: If one is missing or differs.
        """
        self._watch.confirm(wait)

    @contextmanager
    def confirming(self) -> Iterator[None]:
        """Name damage of a store that was opened `at_once` as the cause of what goes wrong inside the block.

        Raises:
            DataError: If anything is raised inside and the store is damaged.
        """
        try:
            yield
        except Exception:
            self.confirm()
            raise

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary, loaded at the first use."""
        return load_vocabulary(self.folder / "vocabulary")

    def has_split(self, name: str, direction: Direction) -> bool:
        """Return whether a direction has a split."""
        return name in self.statistics.get(str(direction), {})

    def split(self, name: str, direction: Direction) -> Pairs:
        """Return the pairs of a split: "train", "dev" or "test".

        Raises:
            DataError: If the direction or its split is not in the store.
        """
        if not self.has_split(name, direction):
            splits = ", ".join(self.statistics.get(str(direction), {})) or "none"
            raise DataError(
                f"no {name} split for {direction} in {self.folder}; splits of this direction: {splits}; "
                f"directions: {', '.join(map(str, (*self.directions, *self.zero_shot)))}"
            )
        return Pairs(self.folder, name, direction, self._vocabulary_size)


def write_store_manifest(folder: Path, content: dict[str, Any], sums: dict[str, dict[str, Any]]) -> None:
    """Finish a store.

    Args:
        folder: The store's.
        content: The content of the manifest.
        sums: Name → checksum of all files.
    """
    manifest = {"format": FORMAT, **content, "files": dict(sorted(sums.items()))}
    write_json(folder / MANIFEST, {**manifest, "checksum": _checksum(manifest)})


def _checksum(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
