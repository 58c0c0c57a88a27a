"""A prepared corpus on disk: token files, the raw dev and test text, the vocabulary, and a manifest.

FOLDER/manifest.json                             written last; sizes of all files, statistics
FOLDER/vocabulary/                               loads with `Vocabulary.load` and `AutoTokenizer`
FOLDER/SPLIT.DIRECTION.{source,target}.{ids,offsets}
FOLDER/{dev,test}.DIRECTION.{source,target}.txt  the unchanged text, a line a pair
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catscale.data.direction import Direction
from catscale.data.fingerprint import FORMAT
from catscale.data.lines import read_written
from catscale.data.tokens import TokenReader
from catscale.data.vocabulary import Vocabulary
from catscale.errors import DataError
from catscale.files import write_json

MANIFEST = "manifest.json"


def stem(folder: Path, split: str, direction: Direction, side: str) -> Path:
    """Path of one side of a split, without its ending."""
    return folder / f"{split}.{direction}.{side}"


class Pairs:
    """The sentence pairs of one split of one direction.

    Attributes:
        source_lengths: (pairs,) int32 pieces, without tag and `</s>`.
        target_lengths: The same for the targets.
    """

    def __init__(self, folder: Path, split: str, direction: Direction, vocabulary_size: int) -> None:
        self._stems = [stem(folder, split, direction, side) for side in ("source", "target")]
        self._sources, self._targets = (TokenReader(path, vocabulary_size) for path in self._stems)
        self.source_lengths: NDArray[np.int32] = self._sources.lengths()
        self.target_lengths: NDArray[np.int32] = self._targets.lengths()

    def __len__(self) -> int:
        return len(self._sources)

    def source(self, index: int) -> NDArray[Any]:
        """(pieces,) ids of a source sentence, a view of the file, without tag and `</s>`."""
        return self._sources[index]

    def target(self, index: int) -> NDArray[Any]:
        """(pieces,) ids of a target sentence, a view of the file, without tag and `</s>`."""
        return self._targets[index]

    def source_text(self) -> list[str]:
        """The source lines of dev or test as they were.

        Raises:
            DataError: For train, whose text is not kept.
        """
        return self._text(0)

    def target_text(self) -> list[str]:
        """The target lines of dev or test as they were.

        Raises:
            DataError: For train, whose text is not kept.
        """
        return self._text(1)

    def _text(self, side: int) -> list[str]:
        path = self._stems[side].with_name(self._stems[side].name + ".txt")
        if not path.exists():
            raise DataError(f"{path.parent} keeps no text of the train split; ask for dev or test")
        return list(read_written(path))


class Store:
    """A prepared corpus; `open` makes one.

    Attributes:
        folder: Where it lies.
        fingerprint: SHA-256 of everything it was made from.
        directions: In the order of the configuration.
        zero_shot: Directions that have dev and test splits alone: they are scored and never trained.
        statistics: Direction → split → pairs read, kept and dropped by reason, overlap and tokens.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.fingerprint: str = manifest["fingerprint"]
        self.directions = tuple(Direction.parse(text) for text in manifest["directions"])
        self.zero_shot = tuple(Direction.parse(text) for text in manifest.get("zero_shot", ()))
        self.statistics: dict[str, dict[str, Any]] = manifest["statistics"]
        self._vocabulary_size: int = manifest["vocabulary_size"]

    @classmethod
    def open(cls, folder: Path) -> "Store":
        """Open a store after comparing the size of every file with the manifest.

        Raises:
            DataError: If a file is missing or not of its size, or the manifest is not ours.
        """
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            found, sizes = manifest["format"], manifest["files"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(f"{folder} is no token store ({MANIFEST}: {error}); delete it and prepare again") from error
        if found != FORMAT:
            raise DataError(f"{folder} has format {found}, this version reads {FORMAT}; delete it and prepare again")
        for name, size in sizes.items():
            path = folder / name
            actual = path.stat().st_size if path.is_file() else None
            if actual != size:
                state = "is missing" if actual is None else f"has {actual:,} bytes instead of {size:,}"
                raise DataError(f"the token store is damaged: {path} {state}; delete {folder} and prepare again")
        return cls(folder, manifest)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary, loaded at the first use."""
        return Vocabulary.load(self.folder / "vocabulary")

    def has_split(self, name: str, direction: Direction) -> bool:
        """Whether a direction has a split."""
        return name in self.statistics.get(str(direction), {})

    def split(self, name: str, direction: Direction) -> Pairs:
        """The pairs of a split: "train", "dev" or "test".

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


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Finish a store: record the sizes of all its files."""
    files = {p.relative_to(folder).as_posix(): p.stat().st_size for p in sorted(folder.rglob("*")) if p.is_file()}
    write_json(folder / MANIFEST, {"format": FORMAT, **content, "files": files})
