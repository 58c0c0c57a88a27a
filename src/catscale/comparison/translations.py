"""What the runs translated: the same test sentences in the same order, or those that all of them have.

Legend: S sentences.
"""

import errno
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catscale.errors import CheckpointError
from catscale.system.reading.regular_file import MEBIBYTE, read_regular, reason_of

LARGEST = 4096 * MEBIBYTE
"""Bytes of a file of translations."""
Pair = tuple[str, str]
ROWS = {"nll": "nats and tokens", "ter": "edits and length"}
"""Ending of a file with two numbers a sentence → what they are."""


@dataclass(frozen=True)
class Texts:
    """One direction of one run, as `catscale evaluate` left it in `translations/`.

    Attributes:
        sources: S source sentences.
        references: S.
        hypotheses: S translations.
        nll: (S, 2) nats and target tokens; None where the run was evaluated before these were written.
        ter: (S, 2) edits and length of the references; None where TER was not scored.
        further: Lists of S more references; an empty one is none.
        outside: Whether another system than a run's made the translations, which has no NLL.
    """

    sources: list[str]
    references: list[str]
    hypotheses: list[str]
    nll: NDArray[np.float64] | None
    ter: NDArray[np.float64] | None = None
    further: Sequence[Sequence[str]] = ()
    outside: bool = False

    def digest(self) -> str:
        """The number of test sentences and the beginning of their SHA-256."""
        content = "\n".join([*self.sources, "", *self.references, *(line for lines in self.further for line in lines)])
        return f"{len(self.sources)} sentences {hashlib.sha256(content.encode()).hexdigest()[:8]}"

    def pick(self, places: Sequence[int]) -> "Texts":
        """Some of the sentences, in that order."""
        sources, references, hypotheses = (
            [side[i] for i in places] for side in (self.sources, self.references, self.hypotheses)
        )
        nll, ter = (None if rows is None else rows[list(places)] for rows in (self.nll, self.ter))
        further = [[lines[i] for i in places] for lines in self.further]
        return Texts(sources, references, hypotheses, nll, ter, further, self.outside)


def read_texts(run: Path, split: str, direction: str) -> Texts:
    """Read one direction's files.

    Raises:
        CheckpointError: If one is missing or damaged, or they have different numbers of lines.
    """
    prefix = run / "translations" / f"{split}.{direction}"
    paths = [Path(f"{prefix}.{end}") for end in ("src", "ref", "hyp")]
    sources, references, hypotheses = (read_lines(path, follow=False) for path in paths)
    nll, ter = (_read_rows(Path(f"{prefix}.{end}"), what) for end, what in ROWS.items())
    further: list[list[str]] = []
    while (path := Path(f"{prefix}.ref.{len(further) + 1}")).is_file():
        further.append(read_lines(path, follow=False))
    counts = {len(lines) for lines in (sources, references, hypotheses, nll, ter, *further) if lines is not None}
    if len(counts) > 1 or not sources:
        raise CheckpointError(
            f"{prefix}.src, .ref, .hyp and the files beside them must have one line a sentence, found "
            f"{sorted(counts)} lines; run `catscale evaluate {run} --split {split}` again"
        )
    return Texts(sources, references, hypotheses, nll, ter, further)


def read_lines(path: Path, advice: str = "run `catscale evaluate` again", follow: bool = True) -> list[str]:
    """Read the lines of a UTF-8 file; a line ends with a line feed alone.

    Args:
        path: The file.
        advice: What to do where it cannot be read.
        follow: Whether it may be a symbolic link, because a user named it.

    Raises:
        CheckpointError: If it cannot be read.
    """
    try:
        if not follow and path.parent.is_symlink():
            raise OSError(errno.ELOOP, f"{path.parent} is a symbolic link, which is not followed here")
        content = read_regular(path, LARGEST, follow).decode("utf-8")  # a carriage return is text
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({reason_of(error)}); {advice}") from error
    return content.removesuffix("\n").split("\n") if content else []


def _read_rows(path: Path, what: str) -> NDArray[np.float64] | None:
    """(S, 2) two numbers a sentence; None where there is no such file."""
    if not path.is_file():
        return None
    rows = []
    for number, line in enumerate(read_lines(path, follow=False), start=1):
        try:
            one, other = map(float, line.split("\t"))
            if not (0 <= one < np.inf and 0 <= other < np.inf):
                raise ValueError(line)
            rows.append((one, other))
        except ValueError as error:
            raise CheckpointError(
                f"{path}, line {number}: expected {what} with a tab between, found {line[:40]!r}; "
                "run `catscale evaluate` again"
            ) from error
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def align(texts: Sequence[Texts]) -> list[Texts]:
    """The sentences that all runs have, in the order of the first; all of them where the test sets are the same.

    A pair of source and reference that stands several times counts as often as in the run that has it least.
    """
    numbered = [_number(text) for text in texts]
    common = [pair for pair in numbered[0] if all(pair in places for places in numbered[1:])]
    return [text.pick([places[pair] for pair in common]) for text, places in zip(texts, numbered, strict=True)]


def _number(text: Texts) -> dict[tuple[str, str, int], int]:
    """The place of each (source, reference, how many of them stood before)."""
    seen: Counter[Pair] = Counter()
    places = {}
    for place, pair in enumerate(zip(text.sources, text.references, strict=True)):
        places[(*pair, seen[pair])] = place
        seen[pair] += 1
    return places
