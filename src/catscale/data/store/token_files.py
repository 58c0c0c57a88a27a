"""Token files: the ids of many sentences end to end, and where each sentence ends.

`NAME.ids` holds uint16 or int32 ids, `NAME.offsets` holds int64 positions, one more than there are sentences.
"""

import shutil
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catscale.data.store.sentences import Sentences, places_of
from catscale.errors import DataError
from catscale.system.writing.files import create_file

CHUNK = 1 << 20
"""Positions that are looked at together."""


def id_type(vocabulary_size: int) -> type[np.uint16] | type[np.int32]:
    """Return the smallest type that holds every id."""
    return np.uint16 if vocabulary_size <= 2**16 else np.int32


class TokenWriter:
    """Append sentences to a pair of token files.

    Args:
        stem: Path without `.ids` and `.offsets`.
        vocabulary_size: Decides how wide an id is.
    """

    def __init__(self, stem: Path, vocabulary_size: int) -> None:
        self._ids, self._offsets = create_file(_file(stem, "ids")), create_file(_file(stem, "offsets"))
        self._type = id_type(vocabulary_size)
        self.tokens = 0
        self._offsets.write(np.zeros(1, np.int64).tobytes())

    def append(self, sentences: list[list[int]]) -> None:
        """Write the ids of sentences."""
        ends = self.tokens + np.cumsum([len(ids) for ids in sentences], dtype=np.int64)
        self._ids.write(np.fromiter(chain.from_iterable(sentences), dtype=self._type).tobytes())
        self._offsets.write(ends.tobytes())
        self.tokens = int(ends[-1]) if len(ends) else self.tokens

    def __enter__(self) -> "TokenWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ids.close()
        self._offsets.close()


def join_tokens(parts: Sequence[Path], stem: Path) -> None:
    """Put the token files of several parts one after the other.

    Args:
        parts: Paths without endings, of the same type of ids.
        stem: Path without ending of the files to write.
    """
    with create_file(_file(stem, "ids")) as ids, create_file(_file(stem, "offsets")) as offsets:
        offsets.write(np.zeros(1, np.int64).tobytes())
        base = 0
        for part in parts:
            with _file(part, "ids").open("rb") as file:
                shutil.copyfileobj(file, ids, 1 << 20)
            ends = np.fromfile(_file(part, "offsets"), np.int64)[1:] + base
            offsets.write(ends.tobytes())
            base = int(ends[-1]) if len(ends) else base


class TokenReader:
    """The sentences of a pair of token files, memory-mapped.

    Checksums tell of damage, and nothing of a store that came from elsewhere: positions and ids are checked too.

    Args:
        stem: Path without `.ids` and `.offsets`.
        vocabulary_size: The size given to the writer.

    Raises:
        DataError: If the positions are not those of sentences in the ids.
    """

    def __init__(self, stem: Path, vocabulary_size: int) -> None:
        self._stem, self._vocabulary_size = stem, vocabulary_size
        self._ids = _map(_file(stem, "ids"), id_type(vocabulary_size))
        self._offsets = _map(_file(stem, "offsets"), np.int64)
        if not len(self._offsets) or self._offsets[0] != 0 or self._offsets[-1] != len(self._ids):
            raise self._fault(f"its positions do not begin at 0 and end at its {len(self._ids):,} ids")
        for start in range(0, len(self._offsets), CHUNK):
            if (np.diff(self._offsets[start : start + CHUNK + 1]) < 0).any():
                raise self._fault("its positions do not ascend")

    def _fault(self, problem: str) -> DataError:
        place, name = self._stem.parent, self._stem.name
        return DataError(f"{place} is no token store ({name}: {problem}); delete it and prepare again")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> NDArray[Any]:
        """Return a (tokens,) view of the ids of one sentence.

        Raises:
            DataError: If one of them is not in the vocabulary.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"sentence {index} of {len(self)}")
        ids = self._ids[self._offsets[index] : self._offsets[index + 1]]
        if len(ids) and not 0 <= ids.min() <= ids.max() < self._vocabulary_size:
            raise self._fault(
                f"sentence {index + 1} holds {ids.max()}, and the vocabulary ids below {self._vocabulary_size}"
            )
        return ids

    def take(self, sentences: NDArray[np.int64]) -> Sentences:
        """Return copies of the sentences with the given numbers, end to end.

        Raises:
            DataError: If an id of theirs is not in the vocabulary.
            IndexError: If there is no such sentence.
        """
        if len(sentences) and not 0 <= sentences.min() <= sentences.max() < len(self):
            raise IndexError(f"sentences {sentences.min()} to {sentences.max()} of {len(self)}")
        lengths = self.lengths(sentences)
        ids = self._ids[places_of(self._offsets[sentences], lengths)]
        if len(ids) and not 0 <= ids.min() <= ids.max() < self._vocabulary_size:
            for sentence in sentences:
                self[int(sentence)]  # which names it
        return Sentences(ids, lengths)

    @property
    def tokens(self) -> int:
        """Tokens of all sentences."""
        return int(self._offsets[-1])

    def lengths(self, sentences: NDArray[np.int64] | None = None) -> NDArray[np.int32]:
        """Return the (sentences,) int32 tokens of each sentence, or of those with the given numbers."""
        if sentences is None:
            return np.diff(self._offsets).astype(np.int32)
        return np.asarray(self._offsets[sentences + 1] - self._offsets[sentences], np.int32)


def _file(stem: Path, ending: str) -> Path:
    return stem.with_name(f"{stem.name}.{ending}")


def _map(path: Path, kind: type[np.generic]) -> NDArray[Any]:
    if path.stat().st_size == 0:  # an empty file cannot be mapped
        return np.empty(0, kind)
    if path.stat().st_size % np.dtype(kind).itemsize:
        raise DataError(
            f"{path.parent} is no token store ({path.name} has half a number at its end); delete it and prepare again"
        )
    return np.asarray(np.memmap(path, dtype=kind, mode="r"))
