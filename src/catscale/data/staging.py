"""The folder of an unfinished preparation: what is done in it stays done.

WORK/done/TASK.json                      result of a finished task, written last
WORK/held/{dev,test}.DIRECTION.npy       hashes of the source sentences of a split that is made from train
WORK/held/all.DIRECTION.npy              of all source sentences of dev and test
WORK/text/SPLIT.DIRECTION.SIDE.NNN       cleaned text, a shard of at most `SHARD` pairs a file
WORK/text/train.DIRECTION.SIDE.hashes    uint64 hashes of all its lines
WORK/vocabulary/                         of the store
WORK/tokens/SPLIT.DIRECTION.SIDE.NNN.*   token files of a shard
WORK/store/                              the store, to be moved to its place
WORK/tmp-*                               of a task that is under way, or was killed

A task writes into a folder of its own and moves its files to their place when they are whole and on the disk; only
then is it done. It may be killed, or even run twice at once, without harm.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from catscale.data.direction import Direction
from catscale.data.hashing import HashFile
from catscale.data.holdout import HeldOut, Part
from catscale.system.files import sync_folder, user_errors, write_json

SHARD = 500_000
SIDES = ("source", "target")


@dataclass(frozen=True)
class Staging:
    """Names and reads what lies in the folder.

    Attributes:
        folder: WORK.
    """

    folder: Path

    @property
    def vocabulary(self) -> Path:
        """Folder of the vocabulary."""
        return self.folder / "vocabulary"

    @property
    def store(self) -> Path:
        """The store's folder."""
        return self.folder / "store"

    def clear(self) -> None:
        """Make the folder, and remove what killed tasks left."""
        with user_errors("create the token store", self.folder):
            for name in ("done", "held", "text", "tokens", "store"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            for left in self.folder.glob("tmp-*"):
                shutil.rmtree(left, ignore_errors=True)

    def result(self, task: str) -> dict[str, Any] | None:
        """What a task that is done returned; None for one that is not."""
        path = self.folder / "done" / f"{task}.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None  # not there, or cut off by a failing disk

    def finish(self, task: str, result: dict[str, Any]) -> None:
        """A task is done."""
        write_json(self.folder / "done" / f"{task}.json", result)

    @contextmanager
    def writing(self, place: str) -> Iterator[Path]:
        """A folder to write files into, which appear in `WORK/place` when the block ends well."""
        with user_errors("write the token store", self.folder):
            temporary = Path(mkdtemp(prefix="tmp-", dir=self.folder))
            try:
                yield temporary
                for path in sorted(temporary.iterdir()):
                    with path.open("rb+") as file:
                        os.fsync(file.fileno())
                    path.replace(self.folder / place / path.name)
                sync_folder(self.folder / place)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def save_held(self, direction: Direction, held_out: HeldOut) -> None:
        """Keep what was found in one direction."""
        with self.writing("held") as folder:
            for (split, _), hashes in held_out.constructed.items():
                np.save(folder / f"{split}.{direction}.npy", hashes)
            np.save(folder / f"all.{direction}.npy", held_out.all)

    def held(self) -> Iterator[HeldOut]:
        """What was kept, one direction after the other."""
        for path in sorted((self.folder / "held").glob("*.npy")):
            split, _, direction = path.name.removesuffix(".npy").partition(".")
            hashes = np.load(path, allow_pickle=False)
            yield HeldOut({} if split == "all" else {(split, Direction.parse(direction)): hashes}, hashes)

    def text(self, part: Part, side: str, shard: int) -> Path:
        """File of the cleaned text of a shard."""
        return self.folder / "text" / text_name(part, side, shard)

    def tokens(self, part: Part, side: str, shard: int) -> Path:
        """Path, without ending, of the token files of a shard."""
        return self.folder / "tokens" / text_name(part, side, shard)

    def hashes(self, part: Part, side: str) -> HashFile:
        """Hashes of the lines of one side of a train split."""
        return HashFile(self.folder / "text" / f"{name_of(part)}.{side}.hashes")


def name_of(part: Part) -> str:
    """`train.en-de`, as in the names of files."""
    return f"{part[0]}.{part[1]}"


def text_name(part: Part, side: str, shard: int) -> str:
    """`train.en-de.source.000`."""
    return f"{name_of(part)}.{side}.{shard:03d}"
