"""Translation memories in TMX 1.1 to 1.4: units of one text in two or more languages."""

from collections.abc import Iterator
from pathlib import Path

from catscale.data.inline import Segment
from catscale.data.language_tags import choose_text, primary
from catscale.data.readers import Pair
from catscale.data.xml_stream import End, Start, language_of, read_events
from catscale.errors import DataError


def read_units(path: Path) -> Iterator[dict[str, str]]:
    """Yield the texts of each `tu` by the language tag of its `tuv`; of several in one language, the first.

    Raises:
        DataError: If the file is no sound XML, a `tuv` names no language or there is no unit at all (with the line).
    """
    texts: dict[str, str] = {}
    tag, segment, is_empty = "", None, True
    for event in read_events(path):
        if segment is not None:
            if (text := segment.take(event)) is not None:
                texts.setdefault(tag, text)
                segment = None
        elif isinstance(event, Start) and event.name == "tu":
            texts, is_empty = {}, False
        elif isinstance(event, Start) and event.name == "tuv":
            tag = _require_language(event, path)
        elif isinstance(event, Start) and event.name == "seg":
            segment = Segment()
        elif isinstance(event, End) and event.name == "tu":
            yield texts
    if is_empty:
        raise DataError(f"{path} holds no <tu>, which a translation memory (TMX) consists of; is this the right file?")


def _require_language(tuv: Start, path: Path) -> str:
    if not (tag := language_of(tuv.attributes)):
        raise DataError(f'{path}, line {tuv.line}: <tuv> names no language; add one, as in <tuv xml:lang="en">')
    return tag


def read_tmx(path: Path, source: str, target: str) -> Iterator[Pair]:
    """Yield the pairs of the units that have both languages, or variants of them."""
    for texts in read_units(path):
        left, right = choose_text(texts, source), choose_text(texts, target)
        if left is not None and right is not None:
            yield left, right


def tmx_languages(path: Path) -> list[set[str]]:
    """The sets of languages that stand together in a unit, without regions."""
    groups = {frozenset(primary(tag) for tag in texts) for texts in read_units(path)}
    return [set(group) for group in groups]
