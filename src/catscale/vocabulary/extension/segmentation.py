"""The changes that an extension makes in the cutting of text."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catscale.system.console.numbers import show_share
from catscale.vocabulary.extension.content import Content, tokenizer_of
from catscale.vocabulary.extension.missing import Lines

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class SegmentationChange:
    """The lines of one language, cut before and after.

    Attributes:
        lines: Number of lines.
        changed: Number of lines that are cut otherwise.
        pieces_before, pieces_after: Pieces of all lines.
    """

    lines: int
    changed: int
    pieces_before: int
    pieces_after: int

    @property
    def share(self) -> float:
        """Share of the lines that are cut otherwise."""
        return self.changed / max(self.lines, 1)

    def __str__(self) -> str:
        """Return a line for the terminal."""
        are, before = "is" if self.changed == 1 else "are", f"{self.pieces_before:,}"
        into = f"{self.pieces_after:,} pieces instead of {before}"
        return (
            f"{self.changed:,} of {self.lines:,} lines ({show_share(self.share)}) {are} cut otherwise, into "
            f"{into if self.pieces_after != self.pieces_before else f'as many pieces, {before}'}"
        )


def compare_segmentation(before: Content, after: Content, lines: Lines) -> dict[str, SegmentationChange]:
    """Cut lines with two tokenizers, and count per language what differs.

    Args:
        before: The content of a `tokenizer.json`.
        after: The content of another, which has the same ids for the same pieces.
        lines: Lines per language.
    """
    one, two = tokenizer_of(before), tokenizer_of(after)
    return {language: _compare(one, two, text) for language, text in lines.items()}


def _compare(one: "Tokenizer", two: "Tokenizer", lines: Iterable[str]) -> SegmentationChange:
    shown = [line.strip() for line in lines]
    cut = [[found.ids for found in each.encode_batch_fast(shown, add_special_tokens=False)] for each in (one, two)]
    changed = sum(a != b for a, b in zip(*cut, strict=True))
    return SegmentationChange(len(shown), changed, *(sum(map(len, ids)) for ids in cut))
