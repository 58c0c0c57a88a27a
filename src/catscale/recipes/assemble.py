"""Assembly of the folder that a corpus reader reads from checked archives, part by part as the recipe says."""

import html
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from fnmatch import fnmatchcase
from io import BufferedWriter
from itertools import chain
from pathlib import Path
from typing import assert_never

from catscale.data.formats.tsv import NULL
from catscale.data.pairs import Pair
from catscale.errors import DataError
from catscale.recipes.parts import (
    ColumnsPart,
    FilesPart,
    Members,
    MemoryPart,
    PairPart,
    SplitPart,
    TablePart,
    TextPart,
    places,
)
from catscale.recipes.publisher_files import one_line, read_columns, read_lines_of, read_memory, read_segments
from catscale.recipes.recipe import Recipe
from catscale.recipes.remote_file import RemoteFile
from catscale.recipes.splitting import divide
from catscale.recipes.streams import ArchiveLimits, open_stream, read_text_lines
from catscale.recipes.unpack import unpack
from catscale.system.console.messages import Say
from catscale.system.writing.files import append_to, create_file, make_folder, remove_folder, write_bytes

UNPACKED = ".unpacked"


class Assembler:
    """Makes one corpus.

    Args:
        recipe: The recipe of its parts.
        files: Name → file of the recipe's files that are there; parts that need others are left out.
        downloads: Their folder.
        folder: An empty folder, which is moved to its place by the caller.
        say: Receives a line per part.
    """

    def __init__(
        self, recipe: Recipe, files: Mapping[str, RemoteFile], downloads: Path, folder: Path, say: Say
    ) -> None:
        self.recipe, self.files, self.downloads, self.folder, self.say = recipe, files, downloads, folder, say
        self._members: dict[str, list[str]] = {}

    def assemble(self) -> None:
        """Carry out the parts in their order.

        Raises:
            DataError: If an archive is hostile or damaged, or has not what the recipe looks for.
        """
        for index, part in enumerate(self.recipe.parts):
            match part:
                case FilesPart():
                    self._take_files(part)
                case TablePart() if part.archive in self.files:
                    self._take_columns(part)
                case TextPart() | ColumnsPart() | MemoryPart() if all(name in self.files for name in places(part)):
                    self._append(part)
                case SplitPart():
                    self._split(part)
                case TablePart() | TextPart() | ColumnsPart() | MemoryPart():
                    self.say(f"left out for want of a file: {', '.join(places(part))}")
                case _:
                    assert_never(part)
            self._remove_unneeded(index)
        remove_folder(self.folder / UNPACKED)

    def _take_files(self, part: FilesPart) -> None:
        def rename(member: str) -> str | None:
            return member.removeprefix(part.strip).lstrip("/") if fnmatchcase(member, part.members) else None

        for name in [name for name in self.files if fnmatchcase(name, part.archives)]:
            taken = unpack(self.downloads / name, self.folder, rename, self._limits(name))
            if not taken:
                raise self._nothing_like(name, part.members)
            self.say(f"{name}: {len(taken)} file(s) unpacked")

    def _take_columns(self, part: TablePart) -> None:
        for path in self._find(part.archive, part.members):
            rows = write_table(path, self.folder / path.name, part, self._limits(part.archive))
            self.say(f"{path.name}: {rows:,} rows of {', '.join(part.columns)}")

    def _append(self, part: PairPart) -> None:
        languages = tuple(part.pair.split("-"))
        count = left_out = 0
        with ExitStack() as stack:
            paths = [self.folder / part.pair / f"{part.split}.{language}" for language in languages]
            make_folder(paths[0].parent)
            sides = [stack.enter_context(BufferedWriter(append_to(path))) for path in paths]
            for pair in self._pairs(part, (languages[0], languages[1])):
                if not (pair[0].strip() and pair[1].strip()):
                    left_out += 1
                    continue
                count += 1
                for side, text in zip(sides, pair, strict=True):
                    side.write(text.encode() + b"\n")
        without = f", {left_out:,} without both sides left out" if left_out else ""
        self.say(f"{part.pair} {part.split}: {count:,} pairs of {' and '.join(places(part))}{without}")

    def _split(self, part: SplitPart) -> None:
        """Divide a pair's train, which holds what earlier parts put there; nothing where they had no file."""
        languages = part.pair.split("-")
        other = languages[1 - languages.index(part.by)]
        folder = self.folder / part.pair
        paths = folder / f"train.{part.by}", folder / f"train.{other}"
        if not paths[0].is_file():
            return
        no_limit = ArchiveLimits(max(1, *(path.stat().st_size for path in paths)), 1)
        divided = divide(read_lines_of(paths, (no_limit, no_limit), tagged=False), part)
        for split, pairs in divided.pairs.items():
            for side, language in enumerate((part.by, other)):
                write_bytes(folder / f"{split}.{language}", "".join(f"{pair[side]}\n" for pair in pairs).encode())
        sizes = ", ".join(f"{split} {len(pairs):,}" for split, pairs in divided.pairs.items())
        self.say(f"{part.pair}: {sizes}; {divided.left_out:,} repeated or unusable pairs left out")

    def _pairs(self, part: PairPart, languages: tuple[str, str]) -> Iterator[Pair]:
        if isinstance(part, ColumnsPart):
            columns = part.columns[languages[0]], part.columns[languages[1]]
            if part.member is None:
                return read_columns(self.downloads / part.file, self._limits(part.file), columns)
            return read_columns(self._find_one(part.file, part.member), self._limits(part.file), columns)
        if isinstance(part, MemoryPart):
            return read_memory(self.downloads / part.file, self._limits(part.file), languages)
        return chain.from_iterable(self._lines(part, *found) for found in self._text_files(part, languages))

    def _lines(self, part: TextPart, paths: tuple[Path, Path], names: tuple[str, str]) -> Iterator[Pair]:
        if part.kind == "segments":
            return read_segments(paths)
        limits = self._limits(names[0]), self._limits(names[1])
        pairs = read_lines_of(paths, limits, part.kind == "tags")
        return ((_characters(a), _characters(b)) for a, b in pairs) if part.entities else pairs

    def _text_files(
        self, part: TextPart, languages: tuple[str, str]
    ) -> list[tuple[tuple[Path, Path], tuple[str, str]]]:
        """Return pairs of files, each with the names of what is downloaded for it."""
        if part.files is not None:
            names = part.files[languages[0]], part.files[languages[1]]
            return [((self.downloads / names[0], self.downloads / names[1]), names)]
        assert part.archive is not None  # the recipe was checked
        assert part.members is not None
        names = part.archive, part.archive
        if part.several:
            return [(paths, names) for paths in self._find_together(part.archive, part.members, languages)]
        source, target = (self._find_one(part.archive, part.members[language]) for language in languages)
        return [((source, target), names)]

    def _find_together(self, archive: str, members: Members, languages: tuple[str, str]) -> list[tuple[Path, Path]]:
        """Return the unpacked members of both patterns whose names differ in the language at their end alone.

        Raises:
            DataError: If there are none.
        """
        sources, targets = (
            {str(path).removesuffix(f".{language}"): path for path in self._find(archive, members[language])}
            for language in languages
        )
        if both := sorted(sources.keys() & targets.keys()):
            return [(sources[stem], targets[stem]) for stem in both]
        raise self._nothing_like(archive, " with a counterpart for ".join(members.values()))

    def _find_one(self, archive: str, pattern: str) -> Path:
        """Return the unpacked member of a pattern.

        Raises:
            DataError: If there is none, or there are several.
        """
        paths = self._find(archive, pattern)
        if len(paths) > 1:
            raise DataError(
                f"{archive} has {len(paths)} members like {pattern}, and one is needed; "
                "make the recipe's pattern more exact"
            )
        return paths[0]

    def _find(self, archive: str, pattern: str) -> list[Path]:
        """Return the unpacked members of a pattern, at least one."""
        if archive not in self._members:
            self._unpack(archive)
        folder = self.folder / UNPACKED / archive
        if found := [folder / member for member in self._members[archive] if fnmatchcase(member, pattern)]:
            return found
        raise self._nothing_like(archive, pattern)

    def _unpack(self, archive: str) -> None:
        """Unpack, once, all members that any part of the recipe wants."""
        patterns: list[str] = []
        for part in self.recipe.parts:
            if isinstance(part, TablePart) and part.archive == archive:
                patterns.append(part.members)
            elif isinstance(part, TextPart) and part.archive == archive:
                patterns += (part.members or {}).values()
            elif isinstance(part, ColumnsPart) and part.file == archive and part.member is not None:
                patterns.append(part.member)
        folder = self.folder / UNPACKED / archive
        make_folder(folder, exist_ok=False)
        self._members[archive] = unpack(
            self.downloads / archive,
            folder,
            lambda member: member if any(fnmatchcase(member, pattern) for pattern in patterns) else None,
            self._limits(archive),
        )

    def _remove_unneeded(self, index: int) -> None:
        """Free the disk of what no later part reads."""
        later = {name for part in self.recipe.parts[index + 1 :] for name in places(part)}
        for archive in [name for name in self._members if name not in later]:
            remove_folder(self.folder / UNPACKED / archive)
            del self._members[archive]

    def _limits(self, name: str) -> ArchiveLimits:
        return ArchiveLimits.of(self.files[name], self.downloads / name)

    def _nothing_like(self, archive: str, pattern: str) -> DataError:
        return DataError(
            f"{self.downloads / archive} has no member like {pattern}; its publisher changed it, or the recipe is "
            "wrong: correct members by --recipes"
        )


def write_table(source: Path, target: Path, part: TablePart, limits: ArchiveLimits) -> int:
    """Copy some columns of a table, incomplete translations as `__NULL__`.

    Returns:
        How many rows have two translations or more, which are those written.

    Raises:
        DataError: If the header lacks a column.
    """
    rows = 0
    with open_stream(source, limits) as stream, create_file(target) as file:
        lines = read_text_lines(stream)
        header = [name.strip() for name in next(lines, "").split("\t")]
        if lost := [name for name in part.columns if name not in header]:
            raise DataError(
                f"{source.name} has no column {', '.join(lost)}; its header is {', '.join(header)[:300]}; "
                "correct columns by --recipes"
            )
        indices = [header.index(name) for name in part.columns]
        file.write("\t".join(part.columns).encode() + b"\n")
        for line in lines:
            cells = line.split("\t")
            texts = [_cell(cells[index] if index < len(cells) else "", part) for index in indices]
            if sum(text != NULL for text in texts) > 1:
                rows += 1
                file.write("\t".join(texts).encode() + b"\n")
    return rows


def _cell(text: str, part: TablePart) -> str:
    if not text.strip() or any(mark in text for mark in part.missing):
        return NULL
    return _characters(text) if part.entities else text


def _characters(text: str) -> str:
    return one_line(html.unescape(text))
