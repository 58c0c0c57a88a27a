"""Encoding one split: cleaned text to token files, and the text of dev and test to its place."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from catscale.data.formats.lines import write_lines
from catscale.data.preparation.cleaning import Counts, in_pair_chunks
from catscale.data.store.token_files import TokenWriter
from catscale.system.writing.files import create_file
from catscale.vocabulary.contract import Vocabulary

TaggedPair = tuple[str, str, int | None]
"""A pair, and the id of its corpus' tag; None for none."""
COUNTED = ("source_tokens", "target_tokens", "source_unknown", "target_unknown", "unwritable_targets")
"""The counts of `encode_split`: pieces and `<unk>` of each side; of dev and test, targets not given back."""


def encode_split(
    pairs: Iterable[TaggedPair], stems: tuple[Path, Path], vocabulary: Vocabulary, counts: Counts, longest: int | None
) -> dict[str, int]:
    """Write a split's token files, and its text files too if `longest` is none (dev and test).

    Pairs of which a side has no piece at all (only characters that the normalisation removes) are counted as empty,
    train pairs of which a side has too many pieces as too long.

    Args:
        pairs: The cleaned pairs; the id of a tag stands before the pieces of the source.
        stems: Paths of the source's and the target's files, without endings.
        vocabulary: Text to ids.
        counts: The counts of the split; what is dropped here is added.
        longest: Most pieces of a side in train; none for dev and test.

    Returns:
        Name of `COUNTED` → number, the last one only of dev and test.
    """
    unknown, unwritable = [0, 0], 0
    with ExitStack() as stack:
        source, target = (stack.enter_context(TokenWriter(path, vocabulary.size)) for path in stems)
        texts = [stack.enter_context(create_file(Path(f"{path}.txt"))) for path in stems] if longest is None else []
        for chunk in in_pair_chunks(pairs):
            lines = [pair[0] for pair in chunk], [pair[1] for pair in chunk]
            ids = [vocabulary.encode(side) for side in lines]
            kept = [i for i in range(len(chunk)) if _is_kept(len(ids[0][i]), len(ids[1][i]), counts, longest)]
            source.append([ids[0][i] if (tag := chunk[i][2]) is None else [tag, *ids[0][i]] for i in kept])
            target.append([ids[1][i] for i in kept])
            for side in (0, 1):
                unknown[side] += sum(ids[side][i].count(vocabulary.unk_id) for i in kept)
            for side, file in enumerate(texts):
                write_lines(file, (lines[side][i] for i in kept))
            if texts:
                given_back = vocabulary.gives_back((lines[1][i] for i in kept), (ids[1][i] for i in kept))
                unwritable += given_back.count(False)
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
        source, target = (len(ids) for ids in vocabulary.encode([pair[0], pair[1]]))
        counts.dropped["limit"] -= 1
        if _is_kept(source, target, counts, longest):
            wanted -= 1
            yield pair


def _is_kept(source: int, target: int, counts: Counts, longest: int | None) -> bool:
    if not source or not target:
        counts.dropped["empty"] += 1
        return False
    if longest is not None and max(source, target) > longest:
        counts.dropped["too_long"] += 1
        return False
    return True
