"""Outputs that are no translations: loops, one sentence for many sources, nothing, copies, cut ones.

A fault counts where neither the source nor the reference has it, so that a corpus that repeats itself is not blamed on
the model.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from catscale.system.console.messages import Say

UNIT = 40
"""Characters of the longest phrase whose repetition is looked for."""
TIMES = 4
"""Repetitions in a row that make a loop, unless the phrase is one character."""
LOOKED_AT = 4000
"""Characters of an output that are looked at."""
GRAM = 4
"""Words of the n-grams that should not recur."""
SHARE, FEWEST = 0.02, 3
"""The share of the lines, and the lines: fewer faults of a kind are no reason to warn."""
_ROW = re.compile(rf"(?=\S)(.{{2,{UNIT}}}?)\1{{{TIMES - 1},}}|(\S)\2{{11,}}", re.DOTALL)


@dataclass(frozen=True)
class Degenerate:
    """The counts of outputs of one direction that are no translations.

    Attributes:
        lines: Outputs.
        loops: Repeat a phrase four times in a row, or half of their 4-grams of words.
        alike: Are the same as those of other sources: of the output that stands most often.
        empty: Hold nothing.
        copies: Are their source.
        cut: Did not come to an end within the length limit.
        example: The output that stands most often, where `alike` is not 0.
    """

    lines: int
    loops: int = 0
    alike: int = 0
    empty: int = 0
    copies: int = 0
    cut: int = 0
    example: str = ""

    def to_json(self) -> dict[str, int | str]:
        """Return the counts, and the example where there is one."""
        return {key: value for key, value in asdict(self).items() if value != ""}

    def describe(self) -> list[str]:
        """Name the faults that too many outputs have, as in "41 of 300 lines are the same sentence"."""
        words = {
            "loops": "repeat themselves",
            "alike": f"are the same sentence, {self.example[:80]!r}, for other sources",
            "empty": "are empty",
            "copies": "are copies of their source",
            "cut": "stop at the length limit (evaluation.max_length, max_length_ratio)",
        }
        found = {name: getattr(self, name) for name in words}
        return [
            f"{count:,} of {self.lines:,} lines {words[name]}"
            for name, count in found.items()
            if count >= max(FEWEST, SHARE * self.lines)
        ]


def count_degenerate(
    outputs: Sequence[str], sources: Sequence[str], finished: Sequence[bool], references: Sequence[str] | None = None
) -> Degenerate:
    """Count the outputs of one direction that are no translations.

    Args:
        outputs: A line each.
        sources: The source of each output; what an empty one becomes does not count.
        finished: Whether each came to its end.
        references: The references of each output, where there are some.
    """
    known = sources if references is None else references
    rows = [row for row in zip(outputs, sources, finished, known, strict=True) if row[1].strip()]
    wrong = [row for row in rows if references is None or row[0] != row[3]]
    alike = _largest_group(wrong)
    return Degenerate(
        lines=len(rows),
        loops=sum(is_loop(output) and not is_loop(source) and not is_loop(right) for output, source, _, right in wrong),
        alike=len(alike[1]),
        empty=sum(not output.strip() for output, *_ in wrong),
        copies=sum(is_copy(output, source) for output, source, *_ in wrong),
        cut=sum(not row[2] for row in rows),
        example=alike[0],
    )


def find_fault(output: str, source: str, finished: bool) -> str | None:
    """Return why an output is no translation of its source: "empty", "loop", "copy" or "cut"; None where it may be one.

    Args:
        output: The output.
        source: The source, which has text.
        finished: Whether the output came to its end.

    Example:
        >>> find_fault("Salam.", "Hello.", True), find_fault("Hello.", "hello.", True), find_fault("S", "Hello.", False)
        (None, 'copy', 'cut')
    """
    if not output.strip():
        return "empty"
    if is_loop(output) and not is_loop(source):
        return "loop"
    return "copy" if is_copy(output, source) else None if finished else "cut"


def is_loop(text: str) -> bool:
    """Return whether a text repeats itself: a phrase four times in a row, or half of its 4-grams of words.

    >>> is_loop("the cat and the cat and the cat and the cat and the"), is_loop("the cat and the dog and the cat")
    (True, False)
    """
    text = text[:LOOKED_AT]
    if any(len(match.group()) >= 12 for match in _ROW.finditer(text)):
        return True
    words = text.split()
    grams = [tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)]
    return len(grams) >= 8 and len(set(grams)) <= len(grams) / 2


def is_copy(output: str, source: str) -> bool:
    """Return whether an output is its source, and there is a letter that could have been translated."""
    return output.casefold().split() == source.casefold().split() and any(map(str.isalpha, source))


def _largest_group(rows: Sequence[tuple[str, str, bool, str]]) -> tuple[str, list[str]]:
    """Return the output given for most lines of different sources, and these sources; empty if none has two."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for output, source, *_ in rows:
        if output.strip():
            groups[output].append(source)
    several = {output: found for output, found in groups.items() if len(set(found)) > 1}
    if not several:
        return "", []
    return max(several.items(), key=lambda item: len(item[1]))


def warn_of(counted: Mapping[str, Degenerate], say: Say) -> None:
    """Warn of directions whose outputs are no translations.

    Args:
        counted: The counts by what they are of.
        say: Receives one line for each.
    """
    for name, found in counted.items():
        if lines := found.describe():
            say(f"warning: {name}: {'; '.join(lines)}")
