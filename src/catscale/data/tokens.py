"""Token files: the ids of many sentences end to end, and where each sentence ends.

`NAME.ids` holds uint16 or int32 ids, `NAME.offsets` holds int64 positions, one more than there are sentences.
"""

from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray


def id_type(vocabulary_size: int) -> type[np.uint16] | type[np.int32]:
    """The smallest type that holds every id."""
    return np.uint16 if vocabulary_size <= 2**16 else np.int32


class TokenWriter:
    """Append sentences to a pair of token files.

    Args:
        stem: Path without `.ids` and `.offsets`.
        vocabulary_size: Decides how wide an id is.
    """

    def __init__(self, stem: Path, vocabulary_size: int) -> None:
        self._ids = stem.with_name(stem.name + ".ids").open("wb")
        self._offsets = stem.with_name(stem.name + ".offsets").open("wb")
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


class TokenReader:
    """The sentences of a pair of token files, memory-mapped.

    Args:
        stem: Path without `.ids` and `.offsets`.
        vocabulary_size: As given to the writer.
    """

    def __init__(self, stem: Path, vocabulary_size: int) -> None:
        self._ids = _map(stem.with_name(stem.name + ".ids"), id_type(vocabulary_size))
        self._offsets = _map(stem.with_name(stem.name + ".offsets"), np.int64)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> NDArray[Any]:
        """(tokens,) view of the ids of one sentence."""
        if not 0 <= index < len(self):
            raise IndexError(f"sentence {index} of {len(self)}")
        return self._ids[self._offsets[index] : self._offsets[index + 1]]

    def lengths(self) -> NDArray[np.int32]:
        """(sentences,) int32 tokens of each sentence."""
        return np.diff(self._offsets).astype(np.int32)


def _map(path: Path, kind: type[np.generic]) -> NDArray[Any]:
    if path.stat().st_size == 0:  # an empty file cannot be mapped
        return np.empty(0, kind)
    return np.asarray(np.memmap(path, dtype=kind, mode="r"))
