"""Encoding one split: cleaned text to token files, and the text of dev and test to its place."""

import gc
from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import ExitStack, contextmanager
from itertools import compress
from operator import methodcaller
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catscale.data.formats.lines import write_lines
from catscale.data.preparation.cleaning import Counts, in_pair_chunks
from catscale.data.store.token_files import TokenWriter
from catscale.system.writing.files import create_file
from catscale.vocabulary.contract import Vocabulary

TaggedPair = tuple[str, str, int | None]
"""A pair, and the id of its corpus' tag; None for none."""
Columns = tuple[list[str], list[str], list[int | None]]
"""The sources, the targets and the tags' ids of pairs."""
COUNTED = ("source_tokens", "target_tokens", "source_unknown", "target_unknown", "unwritable_targets")
"""The counts of `encode_split`: pieces and `<unk>` of each side; of dev and test, targets not given back."""


def encode_split(
    chunks: Iterable[Columns], stems: tuple[Path, Path], vocabulary: Vocabulary, counts: Counts, longest: int | None
) -> dict[str, int]:
    """Write a split's token files, and its text files too if `longest` is none (dev and test).

    Pairs of which a side has no piece at all (only characters that the normalisation removes) are counted as empty,
    train pairs of which a side has too many pieces as too long.

    Args:
        chunks: The cleaned pairs, some at a time; the id of a tag stands before the pieces of the source.
        stems: Paths of the source's and the target's files, without endings.
        vocabulary: Text to ids.
        counts: The counts of the split; what is dropped here is added.
        longest: Most pieces of a side in train; none for dev and test.

    Returns:
        Name of `COUNTED` → number, the last one only of dev and test.
    """
    unknown, unwritable = [0, 0], 0
    with ExitStack() as stack:
        stack.enter_context(collection_paused())
        source, target = (stack.enter_context(TokenWriter(path, vocabulary.size)) for path in stems)
        texts = [stack.enter_context(create_file(Path(f"{path}.txt"))) for path in stems] if longest is None else []
        for *lines, tags in chunks:
            ids = [vocabulary.encode(side) for side in lines]
            kept = _find_kept(ids, counts, longest)
            if not kept.all():
                lines = [list(compress(side, kept)) for side in lines]
                ids = [list(compress(side, kept)) for side in ids]
                tags = list(compress(tags, kept))
            for side in (0, 1):
                unknown[side] += sum(map(methodcaller("count", vocabulary.unk_id), ids[side]))
            source.append([line if tag is None else [tag, *line] for tag, line in zip(tags, ids[0], strict=True)])
            target.append(ids[1])
            for file, written in zip(texts, lines, strict=False):
                write_lines(file, written)
            if texts:
                unwritable += vocabulary.gives_back(lines[1], ids[1]).count(False)
    found = (source.tokens, target.tokens, *unknown, *([unwritable] if longest is None else []))
    return dict(zip(COUNTED, found, strict=False))


def take_fitting(
    pairs: Iterable[TaggedPair], wanted: int, vocabulary: Vocabulary, counts: Counts, longest: int
) -> Iterator[TaggedPair]:
    """Yield `wanted` train pairs with pieces on both sides and not too many, in place of others without.

    Args:
        pairs: The pairs beyond `data.limit`.
        wanted: The most pairs to yield.
        vocabulary: Text to ids.
        counts: The counts of the split: what is looked at is no longer dropped for the limit.
        longest: Most pieces of a side.
    """
    for pair in pairs:
        if wanted <= 0:
            return
        ids = vocabulary.encode([pair[0], pair[1]])
        counts.dropped["limit"] -= 1
        if _find_kept([ids[:1], ids[1:]], counts, longest).all():
            wanted -= 1
            yield pair


def in_columns(pairs: Iterable[TaggedPair]) -> Iterator[Columns]:
    """Yield pairs that come one by one as columns of as many as `in_pair_chunks` puts together."""
    for chunk in in_pair_chunks(pairs):
        yield [pair[0] for pair in chunk], [pair[1] for pair in chunk], [pair[2] for pair in chunk]


@contextmanager
def collection_paused() -> Iterator[None]:
    """Keep Python from looking for cycles of objects, which encoding does not make, among millions that it makes."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _find_kept(ids: Sequence[Sequence[Sized]], counts: Counts, longest: int | None) -> NDArray[np.bool_]:
    """Return for each pair whether it is kept, (pairs,), and count the others.

    Args:
        ids: The pieces of the sources and of the targets.
        counts: The counts of the split.
        longest: Most pieces of a side; None for no bound.
    """
    lengths = np.array([list(map(len, side)) for side in ids], np.int64)  # (2, pairs)
    is_empty = lengths.min(axis=0) == 0
    is_long = ~is_empty & (lengths.max(axis=0) > (longest or np.inf))
    counts.dropped["empty"] += int(is_empty.sum())
    counts.dropped["too_long"] += int(is_long.sum())
    return np.asarray(~is_empty & ~is_long)
