"""The layout of a folder: the files of a split and a direction, and the directions that it has.

A layout is a list of file names with placeholders, tried in order, each for the direction as asked and
turned round ({source} and {target} exchanged), each plain and with `.gz`, a code with an underscore also with a hyphen.
A `*` in a name stands for any part of it: all files that fit are taken, in the order of their names. `|` divides
alternatives of the last part of a pattern.

Where a split has several references, they lie beside the target's file `NAME` as `NAME.1`, `NAME.2` …; where there is
no `NAME`, `NAME.0` is the target's file.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path
from string import Formatter

from catscale.data.corpora.file_names import Values, read_name
from catscale.data.corpus_config import CorpusConfig
from catscale.data.direction import Direction, is_code
from catscale.data.formats.contract import AlignedFormat
from catscale.data.formats.table import FORMATS
from catscale.data.languages.codes import spellings
from catscale.errors import DataError
from catscale.settings.location import unset_variables

FIRST = ".0"  # ends the target's file where several references are numbered from 0
LANGUAGE_NAMES = ("source", "target", "pair", "lang")


@dataclass(frozen=True)
class Layout:
    """The files of a corpus.

    Attributes:
        root: The corpus' folder.
        patterns: File names with placeholders, in the order in which they are tried.
        codes: Our language code → the code in file names, where they differ.
        splits: Our name of a split → the files' names, in the order in which they are tried.
        notes: Remarks for the user on the files.
    """

    root: Path
    patterns: tuple[str, ...]
    codes: dict[str, str]
    splits: dict[str, tuple[str, ...]]
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, config: CorpusConfig) -> "Layout":
        """Return the layout that a configuration describes.

        Raises:
            DataError: If its folder is not there, or is a file that cannot be read as it is.
        """
        form = FORMATS[str(config.format)]
        path, codes, splits = config.path or Path(), config.language_codes, split_names(config, form.dev_names)
        if path.is_file() and not isinstance(form, AlignedFormat):
            if config.pattern is not None:
                raise DataError(f"data.path {path} is a file, so there is nothing for data.pattern; name its folder")
            return cls(path.parent, (path.name.replace("{", "{{").replace("}", "}}"),), codes, splits)
        if not path.is_dir():
            unset = ", ".join(unset_variables(path))
            remedy = f"set the environment variable {unset} to where the corpora are, or " if unset else ""
            raise DataError(f"data.path {path} is not a folder (seen from {Path.cwd()}); {remedy}correct data.path")
        return cls(path, (config.pattern,) if config.pattern else form.patterns, codes, splits)

    def code(self, language: str) -> str:
        """Return the files' code of a language."""
        return self.codes.get(language, language)

    def find(self, split: str, direction: Direction) -> tuple[Path, ...] | None:
        """Return the source's and the target's file, or all files that hold both sides, or None.

        Raises:
            DataError: If a pair's file of one language is there and the other's is not, or if two files' names differ
                in nothing but hyphens and underscores.
        """
        return self._find(split, direction, is_strict=True)

    def _find(self, split: str, direction: Direction, is_strict: bool) -> tuple[Path, ...] | None:
        for pattern in self.patterns:
            if split != "train" and "{split}" not in pattern:
                continue  # one file holds everything: read again as dev or test it would be the train data
            for alternatives in self._names(pattern, split, direction):
                complete = [(names, found) for names in alternatives if all(found := self._sides(names, split))]
                if len(complete) > 1:
                    one, other = (" and ".join(names) for names, _ in complete[:2])
                    raise DataError(
                        f"{self.root} has {one}, and also {other}, which differ only in a hyphen that becomes an "
                        "underscore here; rename one of them, or say which code is meant in data.language_codes"
                    )
                if complete:
                    return tuple(path for paths in complete[0][1] for path in paths)
                for names in alternatives if is_strict else ():
                    self._check_counterpart(pattern, names)
        return None

    def has(self, direction: Direction) -> bool:
        """Return whether there are train files of both sides.

        Raises:
            DataError: If two files' names differ in nothing but hyphens and underscores.
        """
        return self._find("train", direction, is_strict=False) is not None

    def _check_counterpart(self, pattern: str, names: list[str]) -> None:
        found = [self._existing(name) for name in names]
        if any(found) and re.search(r"\{(pair|source|target)\}", pattern):
            here, missing = (names[0], names[1]) if found[0] else (names[1], names[0])
            raise DataError(
                f"{self.root / here} has no counterpart {missing}; a pair needs the files of both "
                "languages, so add the missing one"
            )

    def references(self, target: Path) -> tuple[Path, ...]:
        """Return the files of further references, beside the target's file of dev or test.

        Args:
            target: The file that `find` found.
        """
        name = target.name.removesuffix(".gz").removesuffix(FIRST)
        found: list[Path] = []
        while files := self._existing(target.with_name(f"{name}.{len(found) + 1}").relative_to(self.root).as_posix()):
            found += files
        self._note_gaps(target, name, found)
        return tuple(found)

    def _note_gaps(self, target: Path, name: str, found: list[Path]) -> None:
        """Take note of numbered files beside a target's that are not read."""
        read = {str(path).removesuffix(".gz") for path in (target, *found)}
        for path in sorted(target.parent.iterdir()):
            is_numbered = re.fullmatch(re.escape(name) + r"\.[0-9]+(\.gz)?", path.name) is not None
            if is_numbered and str(path).removesuffix(".gz") not in read:
                self._say_once(
                    f"{path} is not read: references are {name}.1, {name}.2 … without a gap, and {name}.0 only where "
                    f"there is no {name}"
                )

    def _say_once(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _sides(self, names: list[str], split: str) -> list[list[Path]]:
        """Return the files of each name; of dev and test, the first of several references where there is no such
        name."""
        numbered = split != "train" and len(names) > 1
        return [self._existing(name) or (self._existing(name + FIRST) if numbered else []) for name in names]

    def _existing(self, name: str) -> list[Path]:
        """Return the files of a name, plain or packed; several where it has a `*`."""
        found: dict[str, Path] = {}
        for one in _alternatives(name):
            for candidate in (one, one + ".gz"):
                paths = sorted(self.root.glob(candidate)) if "*" in one else [self.root / candidate]
                for path in paths:
                    if path.is_file() and not ("*" in one and is_aside(path)):
                        self._add(found, path)
            if found and "*" not in one:
                break
        return sorted(found.values())

    def _add(self, found: dict[str, Path], path: Path) -> None:
        """Take a file, unless its plain form is taken."""
        plain = str(path).removesuffix(".gz")
        if found.setdefault(plain, path) != path:
            note = f"{path} is passed over, because {found[plain]} is there too; remove one of them"
            self._say_once(note)

    def expected(self, split: str, direction: Direction) -> list[str]:
        """Return the file names that would be looked for first, for messages."""
        return [next(self._names(pattern, split, direction))[0][-1] for pattern in self.patterns]

    def _names(self, pattern: str, split: str, direction: Direction) -> Iterator[list[list[str]]]:
        """Yield the names of the two files, or of the one that holds both languages, in all spellings of their
        codes."""
        sides = [self._spellings(language) for language in (direction.source, direction.target)]
        for name in self.splits[split]:
            for is_turned in (False, True):
                spelled = []
                for source, target in product(*sides):
                    one, other = (target, source) if is_turned else (source, target)
                    values = {"split": name, "source": one, "target": other, "pair": f"{one}-{other}"}
                    both = (pattern.format(**values, lang=language) for language in (source, target))
                    spelled.append(list(dict.fromkeys(both)))
                yield [list(names) for names in dict.fromkeys(map(tuple, spelled))]

    def _spellings(self, language: str) -> list[str]:
        return [self.codes[language]] if language in self.codes else spellings(language)

    def multilingual_files(self) -> list[Path]:
        """Train files whose names do not tell which languages they hold."""
        names = [p for p in self.patterns if not set(LANGUAGE_NAMES) & _placeholders(p)]
        return [path for name in names for path in self._existing(name.format(split=self.splits["train"][0]))]

    def named_files(self) -> list[tuple[str, Path, Values]]:
        """Train files whose names tell languages: their pattern, and the languages by placeholder."""
        found = []
        for pattern in self.patterns:
            if not set(LANGUAGE_NAMES) & _placeholders(pattern):
                continue
            for one in _alternatives(pattern):
                for path in sorted(self.root.glob("/".join(["*"] * (one.count("/") + 1)))):
                    name = path.relative_to(self.root).as_posix().removesuffix(".gz")
                    values = read_name(one, self.splits["train"][0], name, tuple(self.codes.values()))
                    if values and path.is_file() and not is_aside(path):
                        found.append((pattern, path, values))
        return found

    def some_files(self, most: int = 12) -> list[str]:
        """Return the names of the first files below the folder, for messages."""
        found: list[str] = []
        for path in self.root.rglob("*"):
            if path.is_file() and not is_aside(path):
                found.append(path.relative_to(self.root).as_posix())
                if len(found) >= 50 * most:
                    break
        return [*sorted(found)[:most], *(["…"] if len(found) > most else [])]

    def ours(self, code: str) -> str:
        """Return our code for a language of the files."""
        return next((ours for ours, theirs in self.codes.items() if theirs == code), code)


def is_aside(path: Path) -> bool:
    """Return whether a file is hidden, or an editor's copy."""
    return path.name.startswith((".", "#")) or path.name.endswith("~")


def _alternatives(pattern: str) -> list[str]:
    """Return the patterns of which one with `|` consists."""
    folder, slash, last = pattern.rpartition("/")
    return [folder + slash + name for name in last.split("|")]


def _placeholders(pattern: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(pattern)}


def directions_among(groups: Iterable[set[str]]) -> set[Direction]:
    """Return both directions of every two languages that share a group, except names that cannot be codes."""
    pairs = {pair for group in groups for pair in combinations(sorted(filter(is_code, group)), 2)}
    return {Direction(*pair) for a, b in pairs for pair in ((a, b), (b, a))}


def split_names(config: CorpusConfig, dev_names: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """Return our name of a split → the files' names of it.

    Args:
        config: Names the splits.
        dev_names: Further names of dev, where the configuration gives it no other name.
    """
    names: dict[str, tuple[str, ...]] = {split: (name,) for split, name in config.splits.model_dump().items()}
    if names["dev"] == ("dev",):
        names["dev"] = ("dev", *dev_names)
    return names
