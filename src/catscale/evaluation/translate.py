"""Lines of text in, translated lines out."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from catscale.data.direction import Direction
from catscale.data.vocabulary import Vocabulary
from catscale.errors import ConfigError
from catscale.evaluation.decode import Decoder

LONGEST = 100_000
"""Characters of a line that are looked at: many times what any model's positions hold."""


def translate_lines(
    lines: Iterable[str], decoder: Decoder, vocabulary: Vocabulary, direction: Direction, chunk: int = 256
) -> Iterator[str]:
    """Translate a stream, one line out for each line in, in order.

    Args:
        lines: With or without their newline. Blank ones give empty lines; what is longer than `LONGEST` is cut there,
            and then, by the decoder, at the model's positions.
        decoder: Translates piece ids.
        vocabulary: Encodes and decodes.
        direction: From which language to which.
        chunk: Lines that are read before the first is translated, and decoded together.

    Yields:
        Translations without any line break.
    """
    stream = iter(lines)
    while batch := [one_line(line[:LONGEST]) for line in islice(stream, chunk)]:
        ids = vocabulary.encode(batch)
        sources = [piece_ids if line else [] for line, piece_ids in zip(batch, ids, strict=True)]
        for translation in vocabulary.decode(decoder.translate(sources, direction)):
            yield one_line(translation)


def one_line(text: str) -> str:
    """The text with every kind of line break turned into a space, and nothing around it.

    >>> one_line(" a\\r\\nb\\u2028c ")
    'a b c'
    """
    return " ".join(text.splitlines()).strip()


def choose_direction(target: str, source: str | None, directions: Sequence[Direction]) -> Direction:
    """Find a run's direction by its target language and, where that is not enough, its source.

    Raises:
        ConfigError: If the run has no such direction, or several; the message names those it has.
    """
    found = [d for d in directions if d.target == target and source in (None, d.source)]
    if len(found) == 1:
        return found[0]
    _check_language(target, {d.target for d in directions}, "to")
    if source is not None:
        _check_language(source, {d.source for d in directions}, "from")
    what = f"several directions to {target!r}" if found else f"no direction from {source!r} to {target!r}"
    listed = ", ".join(map(str, sorted(found or directions)))
    raise ConfigError(f"the run has {what}; it has {listed}; choose one with --from and --to")


def _check_language(language: str, known: set[str], side: str) -> None:
    if language not in known:
        raise ConfigError(
            f"the run does not translate {side} {language!r}; it translates {side} {', '.join(sorted(known))}; "
            f"choose one of them with --{side}"
        )
