"""A corpus of files that are found by their names."""

from collections.abc import Collection, Iterator
from functools import cached_property, partial
from itertools import islice
from pathlib import Path

from catscale.data.corpora.layouts import Layout, directions_among
from catscale.data.corpus_config import CorpusConfig
from catscale.data.direction import Direction
from catscale.data.formats.aligned import place_aligned
from catscale.data.formats.contract import FileFormat
from catscale.data.formats.lines import read_lines
from catscale.data.formats.table import file_format
from catscale.data.languages.codes import spellings
from catscale.data.languages.found import LanguagesFound
from catscale.data.languages.identifiers import SAMPLE
from catscale.data.pairs import Located, Pair, Placed
from catscale.data.preparation.cleaning import is_empty
from catscale.errors import DataError

MOST = 5  # files whose languages a message lists


class FileCorpus:
    """The files of one folder.

    Args:
        config: The format and the place.
        explicit: Codes that the configuration names, which are languages whatever they look like.
        is_lenient: Whether made-up codes are languages too: nothing is chosen by what is found, only told.

    Raises:
        DataError: If the folder is not there.
    """

    def __init__(self, config: CorpusConfig, explicit: Collection[str] = (), is_lenient: bool = False) -> None:
        self._config = config
        self._format = file_format(str(config.format))  # none where each language has a file of its own
        self._layout = Layout.of(config)
        self._held: dict[tuple[str, Direction], bool] = {}
        self._inside: dict[Path, list[set[str]]] = {}
        self._spelled: dict[Path, set[str]] = {}
        self._found = LanguagesFound({*explicit, *(config.columns or {})}, config.language_codes, is_lenient)

    def available(self) -> set[Direction]:
        """Return the directions that have train files, by their names or, where those do not tell, by their content.

        Raises:
            DataError: If two names of languages become the same code.
        """
        return self._available

    @cached_property
    def _available(self) -> set[Direction]:
        found = self._find_directions()
        if not found and self._found.be_lenient():
            self._inside = {}
            found = self._find_directions()
        return found

    def _find_directions(self) -> set[Direction]:
        groups = self._groups_by_name()
        for path in self._layout.multilingual_files():
            groups += self._languages_inside(path)
        return {direction for direction in directions_among(groups) if self._layout.has(direction)}

    def _groups_by_name(self) -> list[set[str]]:
        """Return the sets of languages that are together in train files, by their names."""
        groups: dict[tuple[str, ...], dict[str, Path | None]] = {}
        inside: dict[Path, None] = {}
        for pattern, path, values in self._layout.named_files():
            pair = [values[side] for side in ("source", "target") if side in values]
            if "lang" in values:
                groups.setdefault((pattern, *pair), {})[values["lang"]] = path
            elif len(pair) == 2:
                groups.setdefault((pattern, *pair), dict.fromkeys(pair))
            else:
                inside[path] = None  # the name tells one language, the file the other
        found = []
        for files in groups.values():
            samples = {name: _first_lines(path) for name, path in files.items() if path is not None}
            found.append(self._found.judge(files, self._config.path, samples))
        return found + [group for path in inside for group in self._languages_inside(path)]

    def inputs(self, split: str, direction: Direction) -> tuple[Path, ...] | None:
        """Return the source's and the target's file, or those that hold both sides, or None; then further
        references."""
        files = self._layout.find(split, direction)
        if files is not None:
            self._note_spelling(files, direction)
        return None if files is None else (*files, *self.references(split, direction))

    def references(self, split: str, direction: Direction) -> tuple[Path, ...]:
        """Return the files of further references of dev or test, which have a line for each pair."""
        files = self._layout.find(split, direction) if split != "train" and self._format is None else None
        return () if files is None else self._layout.references(files[1])

    def _note_spelling(self, files: tuple[Path, ...], direction: Direction) -> None:
        """Take note of codes that the files write with a hyphen."""
        names = {path.name for path in files}
        for code in (direction.source, direction.target):
            if "_" not in code or code in (self._config.columns or {}) or code in self._config.language_codes:
                continue
            hyphened = code.replace("_", "-")
            has_tags = self._format is not None and self._format.has_tags
            if has_tags or hyphened in self._names_in(files[0]) or any(hyphened in name for name in names):
                self._found.renamed[hyphened] = code

    def _names_in(self, path: Path) -> set[str]:
        if path not in self._spelled:
            self._spelled[path] = set() if self._format is None else set(self._format.samples(path))
        return self._spelled[path]

    def expected(self, split: str, direction: Direction) -> list[str]:
        """Return the file names that would be looked for first."""
        return self._layout.expected(split, direction)

    def notes(self) -> list[str]:
        """Return remarks for the user on what was found."""
        return [*self._found.notes(), *self._layout.notes]

    @property
    def renamed(self) -> dict[str, str]:
        """The files' code → ours, where a hyphen became an underscore."""
        return self._found.renamed

    def describe(self) -> str:
        """Describe what there is if no direction was found."""
        tried = ", ".join(pattern.replace("{split}", self._config.splits.train) for pattern in self._layout.patterns)
        train = [path for _, path, _ in self._layout.named_files()] + self._layout.multilingual_files()
        if not train:
            files = self._layout.some_files()
            return f"no train file has one of the names {tried}; there are {', '.join(files) or 'no files'}"
        found = [f"{path.name} holds {self._list_languages(path)}" for path in list(dict.fromkeys(train))[:MOST]]
        more = f", and {len(train) - MOST} files more" if len(train) > MOST else ""
        is_table = self._format is not None and self._format.place_columns is not None
        header = "; a file without header needs data.columns: {en: 0, xx: 1}" if is_table else ""
        over = self._found.describe_passed_over()
        return f"train files are there, and none holds two languages: {'; '.join(found)}{more}{over}{header}"

    def _list_languages(self, path: Path) -> str:
        if self._format is None:
            return "one language"
        names = sorted({name for group in self._format.groups(path) for name in group})
        return ", ".join(name[:40] for name in names[:20]) or "no text of a language"

    def holds(self, split: str, direction: Direction) -> bool:
        """Return whether a split has a pair of a direction with two sides; its files are opened to see, once."""
        key = split, direction
        if key not in self._held:
            self._held[key] = self._look_inside(split, direction)
        return self._held[key]

    def _look_inside(self, split: str, direction: Direction) -> bool:
        files = self._layout.find(split, direction)
        if files is None or self._format is None:
            return files is not None
        if self._format.by_header:
            asked = [str(self._column(language)) for language in (direction.source, direction.target)]
            names = set(asked) if self._config.columns else self._format.groups(files[0])[0]
            return all(names & {*spellings(code)} for code in asked)
        return any(not is_empty(pair) for pair in self.pairs(split, direction))

    def pairs(self, split: str, direction: Direction) -> Iterator[Pair]:
        """Stream the pairs of a split that is there, file by file."""
        return (pair for _, _, pair in self.located(split, direction))

    def located(self, split: str, direction: Direction) -> Iterator[Located]:
        """Stream the pairs of a split that is there, with the target's file, or that of both, and the line."""
        files = self._layout.find(split, direction) or ()
        if self._format is None:
            return ((files[1], line, pair) for line, pair in place_aligned(*files))
        columns = self._column(direction.source), self._column(direction.target)
        place = partial(_place, self._format)
        return ((path, line, pair) for path in files for line, pair in place(path, *columns))

    def _column(self, language: str) -> int | str:
        """Return a language's name in a file: the index or the name of a column, or a code."""
        columns = self._config.columns or {}
        if language not in columns and any(isinstance(column, int) for column in columns.values()):
            raise DataError(
                f"data.columns gives an index for {', '.join(columns)} and none for {language}; "
                "a file without header needs one for every language, so add it"
            )
        return columns.get(language, self._layout.code(language))

    def _languages_inside(self, path: Path) -> list[set[str]]:
        if path not in self._inside:
            if self._config.columns or self._format is None:
                names, samples = [set(self._config.columns or ())], {}
            else:
                names, samples = self._format.groups(path), self._format.samples(path)
            self._inside[path] = [self._found.judge(group, path, samples) for group in names]
        return self._inside[path]


def _place(form: FileFormat, path: Path, source: int | str, target: int | str) -> Iterator[Placed]:
    if isinstance(source, int) and isinstance(target, int) and form.place_columns is not None:
        return form.place_columns(path, (source, target))
    return form.place(path, str(source), str(target))


def _first_lines(path: Path) -> list[str]:
    """Return some lines of a file; none if it cannot be read, which a later reading reports."""
    try:
        return list(islice(read_lines(path), SAMPLE))
    except DataError:
        return []
