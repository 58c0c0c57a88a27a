"""A corpus as the rest of the package sees it: directions, and the pairs of each split."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cached_property
from itertools import combinations
from pathlib import Path
from string import Formatter

from catscale.data.config import DataConfig
from catscale.data.direction import Direction
from catscale.data.layouts import Layout, directions_among
from catscale.data.lines import read_lines
from catscale.data.readers import Pair, read_aligned, read_jsonl, read_records, read_table, split_row
from catscale.errors import DataError

SPLITS = ("train", "dev", "test")
NAMED = ("source", "target", "pair", "lang")


class Corpus:
    """The files that a configuration describes.

    Args:
        config: The `data` section.

    Raises:
        DataError: If the folder is not there.
    """

    def __init__(self, config: DataConfig) -> None:
        self.config = config
        self.layout = Layout.of(config)

    @cached_property
    def available(self) -> tuple[Direction, ...]:
        """All directions for which the folder has a train split, sorted."""
        groups = self.layout.language_groups()
        for path in self._multilingual_files():
            groups += self._languages_inside(path)
        found = directions_among(groups)
        return tuple(sorted(d for d in found if self._quietly_find("train", d)))

    @cached_property
    def directions(self) -> tuple[Direction, ...]:
        """The directions asked for, each with a train split and a way to a dev split.

        Raises:
            DataError: If one of them has no data.
        """
        if self.config.directions is not None:
            chosen = [Direction.parse(text) for text in self.config.directions]
        else:
            chosen = self._product()
        for direction in chosen:
            self.files("train", direction)
            if not (self.config.holdout and self.config.holdout.dev):
                self.files("dev", direction)
        self._check_limit(chosen)
        return tuple(chosen)

    def _product(self) -> list[Direction]:
        sources, targets = self.config.asked("source"), self.config.asked("target")
        if sources is not None and targets is not None:
            chosen = list(dict.fromkeys(Direction(s, t) for s in sources for t in targets if s != t))
        else:
            chosen = [
                direction
                for direction in self.available
                if (sources is None or direction.source in sources) and (targets is None or direction.target in targets)
            ]
        if not chosen:
            raise DataError(
                f"no direction from {sources or 'any language'} to {targets or 'any language'} has train data "
                f"under {self.config.path}; {self.what_exists()}"
            )
        return chosen

    def _check_limit(self, chosen: list[Direction]) -> None:
        names = [str(direction) for direction in chosen]
        for name in self.config.limit:
            if name not in names:
                raise DataError(f"data.limit names {name}, which is not trained; directions: {', '.join(names)}")

    def has_split(self, split: str, direction: Direction) -> bool:
        """Whether the folder has files for this split."""
        return self.layout.find(split, direction) is not None

    def files(self, split: str, direction: Direction) -> tuple[Path, Path]:
        """The source's and the target's file.

        Raises:
            DataError: If there are none; the message names what exists.
        """
        if found := self.layout.find(split, direction):
            return found
        looked = ", ".join(self.layout.expected(split, direction))
        remedy = "add the files or set data.splits if the split has another name"
        if split == "dev":
            remedy += ", or let data.holdout: {dev: 500, test: 1000} take dev and test from train"
        raise DataError(
            f"no {split} split for {direction} under {self.config.path} (looked for {looked}); "
            f"{self.what_exists(direction)}; {remedy}"
        )

    def size(self, split: str, direction: Direction) -> int:
        """Bytes of a split's files, compressed where they are; of train for a split that is made from it."""
        found = self.layout.find(split, direction) or self.files("train", direction)
        return sum(path.stat().st_size for path in set(found))

    def pairs(self, split: str, direction: Direction) -> Iterator[Pair]:
        """Stream the pairs of a split, unchanged."""
        source, target = self.files(split, direction)
        codes = self.layout.code(direction.source), self.layout.code(direction.target)
        if self.config.format == "tsv":
            return read_table(source, (self._column(direction.source), self._column(direction.target)))
        if self.config.format == "jsonl":
            return read_jsonl(source, *codes)
        return read_aligned(source, target)

    def _column(self, language: str) -> int | str:
        """The column of a language: an index, or a name in the header."""
        columns = self.config.columns or {}
        if language not in columns and any(isinstance(column, int) for column in columns.values()):
            raise DataError(
                f"data.columns gives an index for {', '.join(columns)} and none for {language}; "
                "a file without header needs one for every language, so add it"
            )
        return columns.get(language, self.layout.code(language))

    def what_exists(self, direction: Direction | None = None) -> str:
        """The directions that have train data, and the one nearest to `direction`, for messages."""
        names = [str(d) for d in self.available]
        if not names:
            return "no train files were found at all"
        near = get_close_matches(str(direction), names, n=1, cutoff=0.0) if direction else []
        listed = ", ".join(names[:30]) + (", …" if len(names) > 30 else "")
        return f"train data exists for {listed}" + (f" (nearest: {near[0]})" if near else "")

    def _multilingual_files(self) -> list[Path]:
        """Train files that hold several languages, which their names do not tell."""
        names = [p for p in self.layout.patterns if not set(NAMED) & {n for _, n, _, _ in Formatter().parse(p)}]
        paths = [self.layout.root / name.format(split=self.layout.splits["train"]) for name in names]
        return [p for path in paths for p in (path, path.with_name(path.name + ".gz")) if p.is_file()]

    def _languages_inside(self, path: Path) -> list[set[str]]:
        ours = {theirs: ours for ours, theirs in self.config.language_codes.items()}
        if self.config.columns:
            return [set(self.config.columns)]
        if self.config.format == "tsv":
            return [{ours.get(cell.strip(), cell.strip()) for cell in split_row(next(read_lines(path)))}]
        groups = {frozenset(record) for record in read_records(path)}
        return [{ours.get(code, code) for code in pair} for g in groups for pair in combinations(sorted(g), 2)]

    def _quietly_find(self, split: str, direction: Direction) -> bool:
        try:
            return self.layout.find(split, direction) is not None
        except DataError:
            return False
