"""The folder of an unfinished preparation: what is done in it stays done.

WORK/done/TASK.json                      result of a finished task, written last
WORK/held/{dev,test}.DIRECTION.npy       hashes of the source sentences of a split that is made from train
WORK/held/all.DIRECTION.npy              of all source sentences of dev and test
WORK/text/SPLIT.DIRECTION.SIDE.NNN       cleaned text, a shard of at most `SHARD` pairs per file
WORK/text/train.DIRECTION.SIDE.hashes    uint64 hashes of all its lines
WORK/vocabulary/                         of the store
WORK/tokens/SPLIT.DIRECTION.SIDE.NNN.*   token files of a shard
WORK/store/                              the store, to be moved to its place
WORK/tmp-*                               of a task that is under way, or was killed
WORK/.catscale                           the marker: the folder is ours (`catscale.system.writing.markers`)

A task writes into a folder of its own and moves its files to their place when they are whole and on the disk; only
then is it done. It may be killed, or even run twice at once, without harm.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catscale.data.direction import Direction, SplitOfDirection
from catscale.data.preparation.hashing import HashFile
from catscale.data.preparation.holdout import HeldOut
from catscale.system.reading.json_file import load_json
from catscale.system.writing.files import (
    create_file,
    make_folder,
    make_own_folder,
    move_file,
    remove_folder,
    sync_folder,
    user_errors,
    write_json,
)
from catscale.system.writing.markers import Kind, mark
from catscale.system.writing.places import find_kind

SHARD = 500_000
SIDES = ("source", "target")
FOLDERS = ("done", "held", "text", "tokens", "store")


@dataclass(frozen=True)
class WorkFolder:
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
            make_folder(self.folder)
            mark(self.folder, WORK.name)
            for name in FOLDERS:
                make_own_folder(self.folder / name)
            for left in self.folder.glob("tmp-*"):
                remove_folder(left)

    def result(self, task: str) -> dict[str, Any] | None:
        """Return the result of a finished task; None for an unfinished one."""
        path = self.folder / "done" / f"{task}.json"
        try:
            return dict(load_json(path))
        except (OSError, ValueError, TypeError):
            return None  # not there, or cut off by a failing disk

    def finish(self, task: str, result: dict[str, Any]) -> None:
        """Record that a task is done."""
        write_json(self.folder / "done" / f"{task}.json", result)

    @contextmanager
    def writing(self, place: str) -> Iterator[Path]:
        """Give a folder to write files into, which appear in `WORK/place` when the block ends well."""
        with user_errors("write the token store", self.folder):
            temporary = self.folder / f"tmp-{secrets.token_hex(8)}"
            make_folder(temporary, exist_ok=False)
            try:
                yield temporary
                for path in sorted(temporary.iterdir()):
                    with path.open("rb") as file:
                        os.fsync(file.fileno())
                    move_file(path, self.folder / place / path.name)
                sync_folder(self.folder / place)
            finally:
                remove_folder(temporary)

    def save_held(self, direction: Direction, held_out: HeldOut) -> None:
        """Keep what was found in one direction."""
        with self.writing("held") as folder:
            for (split, _), hashes in held_out.constructed.items():
                _save_array(folder / f"{split}.{direction}.npy", hashes)
            _save_array(folder / f"all.{direction}.npy", held_out.all)

    def held(self) -> Iterator[HeldOut]:
        """Open what was kept, one direction after the other."""
        for path in sorted((self.folder / "held").glob("*.npy")):
            split, _, direction = path.name.removesuffix(".npy").partition(".")
            hashes = np.load(path, allow_pickle=False)
            yield HeldOut({} if split == "all" else {(split, Direction.parse(direction)): hashes}, hashes)

    def text(self, part: SplitOfDirection, side: str, shard: int) -> Path:
        """Return the file of the cleaned text of a shard."""
        return self.folder / "text" / text_name(part, side, shard)

    def tokens(self, part: SplitOfDirection, side: str, shard: int) -> Path:
        """Return the path, without ending, of the token files of a shard."""
        return self.folder / "tokens" / text_name(part, side, shard)

    def hashes(self, part: SplitOfDirection, side: str) -> HashFile:
        """Return the hashes of the lines of one side of a train split."""
        return HashFile(self.folder / "text" / f"{name_of(part)}.{side}.hashes")


def _save_array(path: Path, values: NDArray[np.uint64]) -> None:
    with create_file(path) as file:
        np.save(file, values)


def is_earlier_work(folder: Path) -> bool:
    """Return whether a folder holds nothing but what a preparation of version 0.1 puts there."""
    names = {path.name for path in folder.iterdir() if find_kind(path) == "a folder" and path.name[:4] != "tmp-"}
    others = {path.name for path in folder.iterdir() if find_kind(path) != "a folder"}
    return names <= {*FOLDERS, "vocabulary"} and not others


WORK = Kind("preparation", earlier=is_earlier_work, folders=(*FOLDERS, "vocabulary"))


def name_of(part: SplitOfDirection) -> str:
    """Return `train.en-de`, as in the names of files."""
    return f"{part[0]}.{part[1]}"


def text_name(part: SplitOfDirection, side: str, shard: int) -> str:
    """Return `train.en-de.source.000`."""
    return f"{name_of(part)}.{side}.{shard:03d}"
