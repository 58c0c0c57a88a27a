"""New tags, characters and pieces for a tokenizer, all after the old ones."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catscale.errors import ConfigError
from catscale.system.console.numbers import name_some
from catscale.vocabulary.extension.content import BpeContent, Content, Merge
from catscale.vocabulary.extension.learning import learn_merges
from catscale.vocabulary.extension.origins import Bases, RowOrigins, find_relative
from catscale.vocabulary.extension.words import count_words

Tags = Mapping[str, str | None]
"""New tag → the old tag that it resembles, or None."""
FLAGS = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


@dataclass(frozen=True)
class Extension:
    """An extended tokenizer.

    Attributes:
        content: The content of its `tokenizer.json`.
        rows: The origins of the rows of the model's table.
        added: The new tokens in the order of their ids: characters, pieces, tags.
    """

    content: dict[str, Any]
    rows: RowOrigins
    added: tuple[str, ...]


def extend(
    content: Content,
    *,
    tags: Tags | None = None,
    known_tags: Sequence[str] = (),
    characters: Iterable[str] = (),
    pieces: int = 0,
    lines: Iterable[str] = (),
) -> Extension:
    """Append characters, N trained pieces and tags; old ids stay.

    Characters get a piece each. Pieces are learnt from lines, on what the old pieces and the new characters cut them
    to, and their merges come after all old ones. So old text is first cut as before, and differs then only where two
    neighbouring pieces make a new piece. Merges before the old ones would apply to their characters instead, and cut
    old words in other places: `benchmarks/extension.py` measures both.

    The row of a new piece starts from the mean of the old pieces that it takes the place of, a character's from the
    character that it resembles (`find_relative`) or else the mean of all rows, a tag's from its relative or else the
    mean of all tags; with little noise where two rows would be equal. By Jensen's inequality a mean's exponentiated
    logit is at most the mean of its bases', so that new rows take little of the softmax from the old ones.

    Args:
        content: The content of a `tokenizer.json`.
        tags: The new tags.
        known_tags: The old ones, for the mean.
        characters: The new characters; those that have a piece are passed over.
        pieces: N.
        lines: Lines of the new languages, to learn pieces from.

    Raises:
        ConfigError: If a tag exists, its relative does not, or the lines give fewer than N pieces.
        DataError: If the content cannot be extended.
    """
    parts = BpeContent(content)
    tags = dict(tags or {})
    _check_tags(parts, tags, known_tags)
    letters = [one for one in dict.fromkeys(characters) if one not in parts.ids]
    ids = parts.ids | {one: parts.size + place for place, one in enumerate(letters)}
    with_letters = parts.replaced(ids, parts.merges, parts.added_tokens())
    cut = _cut_words(BpeContent(with_letters), lines) if pieces else {}
    merges = learn_merges(cut, [*ids, *tags], pieces) if pieces else []
    made = ["".join(pair) for pair in merges]
    ids |= {one: len(ids) + place for place, one in enumerate(made)}
    ids |= {one: len(ids) + place for place, one in enumerate(tags)}
    added = [*parts.added_tokens(), *({"id": ids[tag], "content": tag, **FLAGS} for tag in tags)]
    origins = _origins(parts, letters, merges, tags, known_tags)
    new = (*letters, *made, *tags)
    rows = RowOrigins.extended(parts.size, [origins[token] for token in new])
    return Extension(parts.replaced(ids, [*parts.merges, *merges], added), rows, new)


def _cut_words(parts: BpeContent, lines: Iterable[str]) -> dict[tuple[str, ...], int]:
    """Count the words of lines by the pieces that they are cut to; an unknown character ends a word."""
    found: Counter[tuple[str, ...]] = Counter()
    for word, number in count_words(parts.tokenizer, lines).items():
        run: list[str] = []
        for token in [*parts.tokenizer.model.tokenize(word), None]:
            if token is not None and token.value != parts.unknown:
                run.append(token.value)
                continue
            if len(run) > 1:
                found[tuple(run)] += number
            run = []
    return found


def _origins(
    parts: BpeContent, letters: Sequence[str], merges: Sequence[Merge], tags: Tags, known_tags: Sequence[str]
) -> dict[str, Bases]:
    """Return the old rows from which each new token's starts."""
    found: dict[str, Bases] = {}
    for one in letters:
        relative = find_relative(one, parts.ids)
        found[one] = () if relative is None else (parts.ids[relative],)
    for left, right in merges:
        bases = [found[one] if one in found else (parts.ids[one],) for one in (left, right)]
        found.setdefault(left + right, (*bases[0], *bases[1]))
    mean = tuple(parts.ids[tag] for tag in known_tags)
    for tag, relative in tags.items():
        found[tag] = mean if relative is None else (parts.ids[relative],)
    return found


def _check_tags(parts: BpeContent, tags: Tags, known_tags: Sequence[str]) -> None:
    """Refuse tags that exist and relatives that do not.

    Raises:
        ConfigError: Naming them.
    """
    old = known_tags or [token["content"] for token in parts.added_tokens()]
    shown = name_some(old, 8)
    for tag, relative in tags.items():
        if tag in parts.ids or len(tag) < 2 or any(character.isspace() for character in tag):
            raise ConfigError(
                f"a new tag must be a word, without blanks, that the tokenizer does not have, found {tag!r}; "
                f"choose another name, or use the language as one of the folder's: it has {shown}"
            )
        for other in (*known_tags, *([] if relative is None else [relative])):
            if other not in parts.ids or (known_tags and other not in known_tags):
                raise ConfigError(f"{tag!r} must be like a tag of the folder, found {other!r}; it has {shown}")
