"""Checks of the contract of formats whose files hold both sides, as functions that anyone can call on a format of their
own.

    from catscale.data.formats.checks import check_format
    check_format(MY_FORMAT, write)                      # write(pairs) -> bytes of a file with the languages en and de

No assert statement: `python -O` would drop it.
"""

import gzip
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from catscale.data.formats.contract import FileFormat
from catscale.data.pairs import Pair
from catscale.errors import DataError
from catscale.system.promises import require
from catscale.system.writing.files import scratch_folder, write_bytes

PAIRS = [("a cat", "eine Katze"), ("a \u2028 dog", "ein Hund"), ("<s> & \u00e4", "\u202eHaus\u202c"), ("日本", "Japan")]
SOME = 6_500
"""Pairs of a file of several chunks of whatever a format reads at once."""
TIMES = 3
"""The factor by which another file has more pairs, which must be read in the same memory, but for an allowance."""
ALLOWANCE = 1.2, 1 << 16
"""A factor, and bytes."""
FOUND_LATE = 3
"""Lines after which a fault stands, so that its number tells."""
FAULT = b"\xe4\xff"
"""Bytes that are not UTF-8."""


@dataclass(frozen=True)
class FormatCase:
    """The case that the promises are tried on.

    Attributes:
        form: The format.
        write: Makes the bytes of a file that holds pairs of the languages en and de.
        folder: An empty one.
    """

    form: FileFormat
    write: Callable[[Sequence[Pair]], bytes]
    folder: Path

    def file(self, content: bytes, ending: str = "") -> Path:
        """Write a file."""
        path = self.folder / f"file{ending}"
        write_bytes(path, content)
        return path

    def pairs(self, path: Path) -> Iterator[Pair]:
        """Read the pairs of a file."""
        return (pair for _, pair in self.form.place(path, "en", "de"))


def check_format(form: FileFormat, write: Callable[[Sequence[Pair]], bytes]) -> None:
    """Try every promise of the contract.

    Args:
        form: The format.
        write: Makes the bytes of a file that holds pairs of the languages en and de.

    Raises:
        AssertionError: Names the first promise that is broken.
    """
    for check in CHECKS:
        with scratch_folder() as folder:
            check(FormatCase(form, write, folder))


def check_names(case: FormatCase) -> None:
    """Check that file names have a split, and no placeholder but the known ones."""
    for pattern in case.form.patterns:
        require("{split}" in pattern, f"the pattern {pattern} has no {{split}}")
        try:
            pattern.format(split="train", source="en", target="de", pair="en-de", lang="en")
        except (KeyError, IndexError, ValueError) as error:
            raise AssertionError(f"the pattern {pattern} has an unknown placeholder: {error}") from error
    require(bool(case.form.patterns), "there is no pattern")
    require(all(ending.startswith(".") for ending in case.form.endings), "an ending does not begin with a dot")


def check_pairs(case: FormatCase) -> None:
    """Check that the pairs come back, either way round, each behind the one before it."""
    path = case.file(case.write(PAIRS))
    placed = list(case.form.place(path, "en", "de"))
    require([pair for _, pair in placed] == PAIRS, f"written were {PAIRS}, read were {placed}")
    places = [place for place, _ in placed]
    require(places[0] >= 1 and places == sorted(places), f"the places do not ascend: {places}")
    turned = [(left, right) for _, (right, left) in case.form.place(path, "de", "en")]
    require(turned == PAIRS, "read the other way round, the pairs are others")


def check_languages(case: FormatCase) -> None:
    """Check that a file tells which languages stand together in it."""
    groups = case.form.groups(case.file(case.write(PAIRS)))
    require(any({"en", "de"} <= group for group in groups), f"en and de do not stand together in {groups}")
    samples = case.form.samples(case.file(case.write(PAIRS)))
    require(not samples or PAIRS[0][0] in samples.get("en", []), f"the samples of en are {samples.get('en')}")


def check_streaming(case: FormatCase) -> None:
    """Check that a file is read as it is asked for, in a memory that does not grow with it."""
    small, large = (_measure_memory(case, count) for count in (SOME, TIMES * SOME))
    factor, bytes_more = ALLOWANCE
    require(large < factor * small + bytes_more, f"for a file {TIMES} times as long, {small:,} bytes become {large:,}")


def _measure_memory(case: FormatCase, count: int) -> int:
    """Return the most bytes of Python's memory that reading a file of `count` pairs takes at once."""
    path = case.file(case.write([(f"cat {n}", f"Katze {n}") for n in range(count)]))
    list(islice(case.pairs(path), 3))  # what the first use imports
    tracemalloc.start()
    try:
        found = sum(1 for _ in case.pairs(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    require(found == count, f"of {count} pairs, {found} were read")
    return peak


def check_text_files(case: FormatCase) -> None:
    """Check that text has a byte order mark or not, lines end in either way, and a file may be packed by gzip."""
    if not case.form.is_text:
        return
    content = case.write(PAIRS)
    forms = {
        "a byte order mark": case.file(b"\xef\xbb\xbf" + content, ".mark"),
        "lines that end in CR LF": case.file(content.replace(b"\n", b"\r\n"), ".crlf"),
        "gzip": case.file(gzip.compress(content), ".gz"),
    }
    for what, path in forms.items():
        found = list(case.pairs(path))
        require(found == PAIRS, f"with {what}, the pairs are {found}")


def check_faults(case: FormatCase) -> None:
    """Check that a file that is empty, or is not UTF-8, is refused with its name, and text with its line."""
    _refuses(case, case.file(b"", ".empty"), "file.empty")
    if not case.form.is_text:
        return
    content = case.write([("good", "gut")] * FOUND_LATE + [("FAULT", "schlecht")] * 2)
    line = content[: content.index(b"FAULT")].count(b"\n") + 1
    path = case.file(content.replace(b"FAULT", FAULT, 1), ".bad")
    _refuses(case, path, f"file.bad, line {line}")
    _refuses(case, case.file(gzip.compress(content)[:-9], ".gz"), "file.gz")


def _refuses(case: FormatCase, path: Path, what: str) -> None:
    try:
        found = list(case.pairs(path))
    except DataError as error:
        require(what in str(error), f"the error does not name {what}: {error}")
        return
    raise AssertionError(f"{path.name} is no sound file, and {len(found)} pairs were read")


CHECKS: tuple[Callable[[FormatCase], None], ...] = (
    check_names,
    check_pairs,
    check_languages,
    check_streaming,
    check_text_files,
    check_faults,
)
