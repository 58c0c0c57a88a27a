"""The tokenizer of a folder made fit for the languages of a run: tags, characters and pieces come, unused ones go."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import PlainValidator

from catscale.errors import ConfigError
from catscale.system.console.messages import Say
from catscale.system.console.numbers import count_things
from catscale.vocabulary.extension import (
    Extension,
    Lines,
    MissingCharacters,
    RowOrigins,
    compare_segmentation,
    extend,
    find_missing,
    trim,
    union_of,
)
from catscale.vocabulary.pretrained.content import special_of
from catscale.vocabulary.pretrained.tags import is_tag, suggest_tags

COMPARED = 2000
"""Lines of each language on which the cutting before and after is compared."""

MUCH = 0.05
"""Share of an old language's lines above which it is said what may be done where they are cut otherwise."""
ADVICE = (
    "; the model has not seen {language} cut like this: lower pieces, or train on pairs of {language} too "
    "(sampling.replay)"
)
PLACE = "RUN/best/pretrained_vocabulary.json"
"""The file that says which old row each row started from."""


def _check_characters(value: Any) -> bool | Literal["all"]:
    if value == "all":
        return "all"
    if not isinstance(value, bool):
        raise ValueError("input should be true, false or all")
    return value


Characters = Annotated[bool | Literal["all"], PlainValidator(_check_characters)]
"""The missing characters that are added: those of new languages, of all languages, or none."""


@dataclass(frozen=True)
class Changes:
    """The changes that a run asks for.

    Attributes:
        tags: Code of a language → its tag, for all languages of the run.
        new: Tag of a new language → the folder's tag that it resembles, or None.
        characters: The missing characters that are added.
        pieces: Number of pieces that are trained and added for the new languages.
        trim: Whether pieces and tags that no language of the run needs are dropped.
    """

    tags: Mapping[str, str]
    new: Mapping[str, str | None] = field(default_factory=dict)
    characters: Characters = True
    pieces: int = 0
    trim: bool = False

    @property
    def new_languages(self) -> tuple[str, ...]:
        """Codes of the new languages."""
        return tuple(language for language, tag in self.tags.items() if tag in self.new)


@dataclass(frozen=True)
class Changed:
    """A tokenizer after the changes.

    Attributes:
        content: The content of its `tokenizer.json`.
        rows: The origins of the rows of the model's table; None where the table stays as it is.
        notes: The findings and the changes, in lines.
    """

    content: dict[str, Any]
    rows: RowOrigins | None
    notes: tuple[str, ...]


def change_tokenizer(content: dict[str, Any], folder_tags: Sequence[str], changes: Changes, texts: Lines) -> Changed:
    """Find what the tokenizer lacks for the languages of a run, and change it as asked for.

    Args:
        content: The content of the folder's `tokenizer.json`.
        folder_tags: Its tags.
        changes: The changes to make.
        texts: Language → its lines, which are read more than once; none where only tags are wanted.

    Raises:
        ConfigError: If the text gives fewer pieces than are asked for.
    """
    missing = find_missing(content, texts)
    notes = _describe_missing(missing)
    old = {language: lines for language, lines in texts.items() if language not in changes.new_languages}
    chosen = [language for language in missing if changes.characters == "all" or language in changes.new_languages]
    letters = union_of(missing[language] for language in chosen) if changes.characters else ()
    extension = extend(
        content,
        tags=changes.new,
        known_tags=[tag for tag in folder_tags if is_tag(tag)],
        characters=letters,
        pieces=changes.pieces,
        lines=(line for language in changes.new_languages for line in texts.get(language, ())),
    )
    made, rows = extension.content, extension.rows
    notes += _describe(extension, changes, len(letters))
    if extension.added:
        notes += _describe_cutting(content, made, old)
    if changes.trim:
        made, rows, said = _trim(made, rows, changes, texts)
        notes.append(said)
    return Changed(made, rows if extension.added or changes.trim else None, tuple(notes))


def _describe_missing(missing: Mapping[str, MissingCharacters]) -> list[str]:
    """Return the missing characters of each language, those that miss none in one line."""
    whole = [language for language, found in missing.items() if not found.characters]
    lines = [f"{language}: {found}" for language, found in missing.items() if found.characters]
    return lines + ([f"no character is missing for {', '.join(whole)}"] if whole else [])


def _describe_cutting(before: dict[str, Any], after: dict[str, Any], old: Lines) -> list[str]:
    """Return what changed in the cutting of the text of each language that the model knows, in lines."""
    compared = {language: list(islice(lines, COMPARED)) for language, lines in old.items()}
    found = compare_segmentation(before, after, {language: lines for language, lines in compared.items() if lines})
    same = [language for language, change in found.items() if not change.changed]
    total = sum(found[language].lines for language in same)
    lines = [
        f"{language}, which the model knows: {change}{ADVICE.format(language=language) * (change.share > MUCH)}"
        for language, change in found.items()
        if change.changed
    ]
    return lines + ([f"all of {count_things(total, 'line')} of {', '.join(same)} are cut as before"] if same else [])


def _describe(extension: Extension, changes: Changes, letters: int) -> list[str]:
    """Return what was added, in a line; nothing where nothing was."""
    if not extension.added:
        return []
    parts = [count_things(letters, "character")] if letters else []
    parts += [count_things(changes.pieces, "piece")] if changes.pieces else []
    parts += [f"{tag} (like {like or 'the mean of all tags'})" for tag, like in changes.new.items()]
    return [f"added: {', '.join(parts)}{'' if changes.trim else '; the ids of all that was there stay'}"]


def _trim(
    content: dict[str, Any], rows: RowOrigins, changes: Changes, texts: Lines
) -> tuple[dict[str, Any], RowOrigins, str]:
    """Drop the pieces and tags that no language of the run needs."""
    unused = [token for token in special_of(content) if is_tag(token) and token not in changes.tags.values()]
    trimmed = trim(content, _needed(content, texts), unused)
    before, after = len(rows.bases), len(trimmed.kept)
    said = (
        f"trimmed: {after:,} of {before:,} embeddings are kept ({after / before:.1%}); old pieces keep their order, "
        f"ids change ({PLACE})"
    )
    return trimmed.content, rows.select(trimmed.kept), said


def _needed(content: dict[str, Any], texts: Lines) -> Iterator[str]:
    """Yield the lines of all languages, and each character of their scripts, of digits and of marks by itself."""
    characters: set[str] = set()
    for lines in texts.values():
        for line in lines:
            characters.update(line)
            yield line
    scripts = {"", *map(script_of, characters)}
    yield from (token for token in content["model"]["vocab"] if len(token) == 1 and script_of(token) in scripts)


def script_of(character: str) -> str:
    """Return the first word of a letter's Unicode name, which is its script for most; empty for what is no letter.

    >>> script_of("ж"), script_of("é"), script_of("7")
    ('CYRILLIC', 'LATIN', '')
    """
    return unicodedata.name(character, "").split(" ")[0] if character.isalpha() else ""


def check_new(folder_tags: Sequence[str], given: Mapping[str, str], new: Mapping[str, tuple[str, str | None]]) -> None:
    """Refuse new tags that exist or are given twice, and relatives that do not exist.

    Args:
        folder_tags: The folder's tags.
        given: Code → tag of the folder, as the configuration has it.
        new: Code → new tag, and the folder's tag that it resembles.

    Raises:
        ConfigError: Naming the first.
    """
    seen: dict[str, str] = {}
    for language, (tag, like) in new.items():
        place = f"model.new_languages.{language}"
        if language in given:
            raise ConfigError(f"{place}: model.languages names {language} too, as {given[language]}; leave one out")
        if tag in folder_tags:
            raise ConfigError(
                f"{place}: the folder has the tag {tag} already; use it with languages: {{{language}: {tag}}}, or "
                "choose another tag"
            )
        if (other := seen.setdefault(tag, language)) != language:
            raise ConfigError(f"{place}: the tag {tag} is {other}'s too; give each new language a tag of its own")
        if like is not None and like not in folder_tags:
            raise ConfigError(
                f"{place}.like: {like!r} is neither a tag of the folder nor a language that has one; "
                f"{suggest_tags(like, folder_tags)}; leave like out to start from the mean of all tags"
            )


def say_all(notes: Iterable[str], say: Say) -> None:
    """Say each of some lines as one about the vocabulary."""
    for note in notes:
        say(f"vocabulary: {note}")
