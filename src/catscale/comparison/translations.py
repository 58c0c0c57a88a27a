"""The translations by the runs: the same test sentences in the same order, or those that all of them have.

Legend: S sentences.
"""

import errno
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from catscale.errors import CheckpointError
from catscale.evaluation.metrics.contract import Floats, Segments
from catscale.evaluation.metrics.table import METRICS, name_all
from catscale.evaluation.translations import counts_ending
from catscale.system.reading.regular_file import MEBIBYTE, read_regular, reason_of

LARGEST = 4096 * MEBIBYTE
"""The most bytes of a file of translations."""


@dataclass(frozen=True)
class RunTexts:
    """One direction of one run, as `catscale evaluate` left it in `translations/`.

    Attributes:
        sources: S source sentences.
        references: S.
        hypotheses: S translations.
        counts: Metric → (S, k) statistics of each sentence, of those that keep them and were measured.
        further: Lists of S more references; an empty one is none.
        outside: Whether another system than a run's made the translations, which has no NLL.
    """

    sources: list[str]
    references: list[str]
    hypotheses: list[str]
    counts: Mapping[str, Floats] = field(default_factory=dict)
    further: Sequence[Sequence[str]] = ()
    outside: bool = False

    def digest(self) -> str:
        """Return the number of test sentences and the beginning of their SHA-256."""
        content = "\n".join([*self.sources, "", *self.references, *(line for lines in self.further for line in lines)])
        return f"{len(self.sources)} sentences {hashlib.sha256(content.encode()).hexdigest()[:8]}"

    def pick(self, places: Sequence[int]) -> "RunTexts":
        """Return some of the sentences, in that order."""
        sources, references, hypotheses = (
            [side[i] for i in places] for side in (self.sources, self.references, self.hypotheses)
        )
        counts = {metric: rows[list(places)] for metric, rows in self.counts.items()}
        further = [[lines[i] for i in places] for lines in self.further]
        return RunTexts(sources, references, hypotheses, counts, further, self.outside)

    def segments(self, language: str) -> Segments:
        """Return what a metric counts.

        Args:
            language: Code of the target language.
        """
        return Segments(self.hypotheses, self.references, language, self.sources, self.further)


def read_texts(run: Path, split: str, direction: str) -> RunTexts:
    """Read one direction's files.

    Raises:
        CheckpointError: If one is missing or damaged, or they have different numbers of lines.
    """
    prefix = run / "translations" / f"{split}.{direction}"
    ends = ("src", "ref", "hyp")
    sources, references, hypotheses = (read_lines(Path(f"{prefix}.{end}"), follow=False) for end in ends)
    paths = {name: Path(f"{prefix}.{counts_ending(name)}") for name, metric in METRICS.items() if metric.kept}
    counts = {name: _read_counts(path, METRICS[name].kept) for name, path in paths.items() if path.is_file()}
    further: list[list[str]] = []
    while (path := Path(f"{prefix}.ref.{len(further) + 1}")).is_file():
        further.append(read_lines(path, follow=False))
    sizes = {len(lines) for lines in (sources, references, hypotheses, *further)}
    sizes |= {len(rows) for rows in counts.values()}
    if len(sizes) > 1 or not sources:
        raise CheckpointError(
            f"{prefix}.src, .ref, .hyp and the files beside them must have one line per sentence, found "
            f"{sorted(sizes)} lines; run `catscale evaluate {run} --split {split}` again"
        )
    return RunTexts(sources, references, hypotheses, counts, further)


def read_lines(path: Path, advice: str = "run `catscale evaluate` again", follow: bool = True) -> list[str]:
    """Read the lines of a UTF-8 file; a line ends with a line feed alone.

    Args:
        path: The file.
        advice: Advice if it cannot be read.
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


def _read_counts(path: Path, names: Sequence[str]) -> Floats:
    """Read the (S, k) statistics of each sentence; the names are those of the k."""
    rows = []
    for number, line in enumerate(read_lines(path, follow=False), start=1):
        try:
            row = [float(text) for text in line.split("\t")]
            if len(row) != len(names) or not all(0 <= value < np.inf for value in row):
                raise ValueError(line)
            rows.append(row)
        except ValueError as error:
            raise CheckpointError(
                f"{path}, line {number}: expected {name_all(names)} with a tab between, found {line[:40]!r}; "
                "run `catscale evaluate` again"
            ) from error
    return np.array(rows, dtype=np.float64).reshape(-1, len(names))


def align(texts: Sequence[RunTexts]) -> list[RunTexts]:
    """Return the sentences that all runs have, in the order of the first; all of them where the test sets are the same.

    A pair of source and reference that stands several times counts as often as in the run that has it least.
    """
    numbered = [_number(text) for text in texts]
    common = [pair for pair in numbered[0] if all(pair in places for places in numbered[1:])]
    return [text.pick([places[pair] for pair in common]) for text, places in zip(texts, numbered, strict=True)]


def _number(text: RunTexts) -> dict[tuple[str, str, int], int]:
    """Return the place of each (source, reference, number of equal ones before)."""
    seen: Counter[tuple[str, str]] = Counter()
    places = {}
    for place, pair in enumerate(zip(text.sources, text.references, strict=True)):
        places[(*pair, seen[pair])] = place
        seen[pair] += 1
    return places
