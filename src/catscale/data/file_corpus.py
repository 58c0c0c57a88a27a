"""A corpus of files that are found by their names."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from catscale.data.corpus_config import ALIGNED, CorpusConfig
from catscale.data.direction import Direction
from catscale.data.formats import FORMATS
from catscale.data.layouts import Layout, directions_among
from catscale.data.readers import Pair, read_aligned, read_table
from catscale.errors import DataError


class FileCorpus:
    """The files of one folder.

    Args:
        config: Format and place.

    Raises:
        DataError: If the folder is not there.
    """

    def __init__(self, config: CorpusConfig) -> None:
        self._config = config
        self._layout = Layout.of(config)
        self._held: dict[tuple[str, Direction], bool] = {}

    def available(self) -> set[Direction]:
        """The directions that have train files, by their names or, where those do not tell, by their content."""
        groups = self._layout.language_groups()
        for path in self._layout.multilingual_files():
            groups += self._languages_inside(path)
        return {direction for direction in directions_among(groups) if self._quietly_find("train", direction)}

    def inputs(self, split: str, direction: Direction) -> tuple[Path, ...] | None:
        """The source's and the target's file, or those that hold both sides, or none."""
        return self._layout.find(split, direction)

    def expected(self, split: str, direction: Direction) -> list[str]:
        """The file names that would be looked for first."""
        return self._layout.expected(split, direction)

    def holds(self, split: str, direction: Direction) -> bool:
        """Whether a split has pairs of a direction; its files are opened to see, once."""
        key = split, direction
        if key not in self._held:
            self._held[key] = self._look_inside(split, direction)
        return self._held[key]

    def _look_inside(self, split: str, direction: Direction) -> bool:
        files = self._layout.find(split, direction)
        if files is None or self._config.format in ALIGNED:
            return files is not None
        if FORMATS[str(self._config.format)].by_header:
            asked = {direction.source, direction.target}
            return any(asked <= group for group in self._languages_inside(files[0]))
        return next(self.pairs(split, direction), None) is not None

    def pairs(self, split: str, direction: Direction) -> Iterator[Pair]:
        """Stream the pairs of a split that is there, file by file."""
        files = self._layout.find(split, direction) or ()
        if self._config.format in ALIGNED:
            return read_aligned(*files)
        source, target = self._column(direction.source), self._column(direction.target)
        if isinstance(source, int) or isinstance(target, int):
            return chain.from_iterable(read_table(path, (source, target)) for path in files)
        read = FORMATS[str(self._config.format)].read
        return chain.from_iterable(read(path, source, target) for path in files)

    def _column(self, language: str) -> int | str:
        """What a language is called in a file: the index or the name of a column, or a code."""
        columns = self._config.columns or {}
        if language not in columns and any(isinstance(column, int) for column in columns.values()):
            raise DataError(
                f"data.columns gives an index for {', '.join(columns)} and none for {language}; "
                "a file without header needs one for every language, so add it"
            )
        return columns.get(language, self._layout.code(language))

    def _languages_inside(self, path: Path) -> list[set[str]]:
        if self._config.columns:
            return [set(self._config.columns)]
        groups = FORMATS[str(self._config.format)].groups(path)
        return [{self._layout.ours(code) for code in group} for group in groups]

    def _quietly_find(self, split: str, direction: Direction) -> bool:
        try:
            return self._layout.find(split, direction) is not None
        except DataError:
            return False
