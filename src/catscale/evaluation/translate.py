"""Lines of text in, translated lines out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from catscale.data.direction import Direction, find_halves
from catscale.data.languages.codes import underscored
from catscale.data.preparation.cleaning import INVISIBLE
from catscale.errors import ConfigError
from catscale.evaluation.decoding.contract import ONE, Decoder, Wanted, ignore_progress
from catscale.vocabulary.contract import Vocabulary

LONGEST = 100_000
"""Characters of a line that are looked at: many times what any model's positions hold."""
CHUNK = 2048
"""Lines that are decoded together, if there are enough: sentences of like length share a batch."""


@dataclass(frozen=True)
class Translation:
    """One translation of one line.

    Attributes:
        text: The text, without any line break.
        log_probability: Σ ln p over its tokens, the end counted, the tag given; None where it was not asked for.
        finished: Whether it came to its end, and was not cut at the length limit.
    """

    text: str
    log_probability: float | None = None
    finished: bool = True


def translate_chunk(
    lines: Sequence[str],
    decoder: Decoder,
    vocabulary: Vocabulary,
    direction: Direction,
    wanted: Wanted = ONE,
    progress: Callable[[int], None] = ignore_progress,
    before: Sequence[int] = (),
) -> list[list[Translation]]:
    """Translate lines, which are decoded together.

    Args:
        lines: With or without their newline. Blank ones, and those of characters that nobody sees, give empty lines;
            what is longer than `LONGEST` is cut there, and then, by the decoder, at the model's positions.
        decoder: Translates piece ids.
        vocabulary: Encodes and decodes.
        direction: The direction of the translation.
        wanted: The number of translations of each line.
        progress: Told how many lines are done.
        before: Ids that stand before the pieces of each source (`Vocabulary.source_prefix`).

    Returns:
        The translations of each line, the best one first.
    """
    texts = [one_line(line[:LONGEST]) for line in lines]
    ids = [[*before, *pieces] for pieces in vocabulary.encode(texts)]
    sources = [piece_ids if text.strip(INVISIBLE) else [] for text, piece_ids in zip(texts, ids, strict=True)]
    found = decoder.search(sources, direction, wanted, progress)
    decoded = iter(vocabulary.decode(hypothesis.ids for hypotheses in found for hypothesis in hypotheses))
    return [
        [Translation(one_line(next(decoded)), each.log_probability, each.finished) for each in hypotheses]
        for hypotheses in found
    ]


def translate_lines(
    lines: Iterable[str], decoder: Decoder, vocabulary: Vocabulary, direction: Direction, chunk: int = CHUNK
) -> Iterator[str]:
    """Translate a stream, one line out for each line in, in order.

    Args:
        lines: The lines, as `translate_chunk` takes them.
        decoder: Translates piece ids.
        vocabulary: Encodes and decodes.
        direction: The direction of the translation.
        chunk: Lines that are read before the first is translated, and decoded together.

    Yields:
        The best translation of each, without any line break.
    """
    stream = iter(lines)
    while batch := list(islice(stream, chunk)):
        for translations in translate_chunk(batch, decoder, vocabulary, direction):
            yield translations[0].text


def one_line(text: str) -> str:
    """Return the text with every kind of line break turned into a space, and nothing around it.

    >>> one_line(" a\\r\\nb\\u2028c ")
    'a b c'
    """
    return " ".join(text.splitlines()).strip()


def choose_direction(target: str, source: str | None, directions: Sequence[Direction]) -> Direction:
    """Find a run's direction by its target language and, where that is not enough, its source.

    A hyphen in a code is an underscore, as when data are read: `pt-BR` is `pt_BR`. A direction that the run was not
    trained on is one of its own where two that it was trained on meet in a third language (`find_halves`).

    Raises:
        ConfigError: If the run has no such direction, or several; the message names those it has.
    """
    target, source = underscored(target), None if source is None else underscored(source)
    found = [d for d in directions if d.target == target and source in (None, d.source)]
    if len(found) == 1:
        return found[0]
    _check_language(target, {d.target for d in directions}, "to")
    if source is not None:
        _check_language(source, {d.source for d in directions}, "from")
    if not found and source is not None and find_halves(asked := Direction(source, target), directions):
        return asked
    what = f"several directions to {target!r}" if found else f"no direction from {source!r} to {target!r}"
    listed = ", ".join(map(str, sorted(found or directions)))
    raise ConfigError(f"the run has {what}; it has {listed}; choose one with --from and --to")


def _check_language(language: str, known: set[str], side: str) -> None:
    if language not in known:
        raise ConfigError(
            f"the run does not translate {side} {language!r}; it translates {side} {', '.join(sorted(known))}; "
            f"choose one of them with --{side}"
        )
