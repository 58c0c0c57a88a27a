"""Where the files of a split and a direction lie, and which directions a folder has.

A layout is a list of file names with placeholders, tried in order, each for the direction as asked and
turned round ({source} and {target} exchanged), each plain and with `.gz`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from catscale.data.config import DataConfig
from catscale.data.direction import Direction
from catscale.errors import DataError

PATTERNS = {
    "opus100": (
        "supervised/{pair}/opus.{pair}-{split}.{lang}",
        "{pair}/opus.{pair}-{split}.{lang}",
        "opus.{pair}-{split}.{lang}",
    ),
    "moses": (
        "{pair}/{split}.{pair}.{lang}",
        "{pair}/{split}.{lang}",
        "{split}.{pair}.{lang}",
        "{split}.{lang}",
    ),
    "tsv": ("{pair}/{split}.tsv", "{split}.{pair}.tsv", "{split}.tsv"),
    "jsonl": ("{pair}/{split}.jsonl", "{split}.{pair}.jsonl", "{split}.jsonl"),
}


@dataclass(frozen=True)
class Layout:
    """The files of a corpus.

    Attributes:
        root: The corpus' folder.
        patterns: File names with placeholders, in the order in which they are tried.
        codes: Our language code → the code in file names, where they differ.
        splits: Our name of a split → the files' name.
    """

    root: Path
    patterns: tuple[str, ...]
    codes: dict[str, str]
    splits: dict[str, str]

    @classmethod
    def of(cls, config: DataConfig) -> "Layout":
        """The layout that a configuration describes.

        Raises:
            DataError: If the folder is not there.
        """
        if not config.path.is_dir():
            raise DataError(f"data.path {config.path} is not a folder (seen from {Path.cwd()}); correct data.path")
        patterns = (config.pattern,) if config.pattern else PATTERNS[config.format]
        return cls(config.path, patterns, config.language_codes, config.splits.model_dump())

    def code(self, language: str) -> str:
        """The files' code of a language."""
        return self.codes.get(language, language)

    def find(self, split: str, direction: Direction) -> tuple[Path, Path] | None:
        """The source's and the target's file (the same one in formats that hold both), or none.

        Raises:
            DataError: If a pair's file of one language is there and the other's is not.
        """
        for pattern in self.patterns:
            if split != "train" and "{split}" not in pattern:
                continue  # one file holds everything: read again as dev or test it would be the train data
            for names in self._names(pattern, split, direction):
                found = [_existing(self.root / name) for name in names]
                if found[0] and found[1]:
                    return found[0], found[1]
                if any(found) and re.search(r"\{(pair|source|target)\}", pattern):
                    here, missing = (names[0], names[1]) if found[0] else (names[1], names[0])
                    raise DataError(
                        f"{self.root / here} has no counterpart {missing}; a pair needs the files of both "
                        "languages, so add the missing one"
                    )
        return None

    def expected(self, split: str, direction: Direction) -> list[str]:
        """The file names that would be looked for first, for messages."""
        return [next(self._names(pattern, split, direction))[1] for pattern in self.patterns]

    def _names(self, pattern: str, split: str, direction: Direction) -> Iterator[tuple[str, str]]:
        source, target = self.code(direction.source), self.code(direction.target)
        for one, other in ((source, target), (target, source)):
            values = {"split": self.splits[split], "source": one, "target": other, "pair": f"{one}-{other}"}
            yield pattern.format(**values, lang=source), pattern.format(**values, lang=target)

    def language_groups(self) -> list[set[str]]:
        """Sets of languages that stand together in train files, by their names; empty for unnamed ones."""
        groups: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for pattern in self.patterns:
            expression = re.compile(self._expression(pattern) + r"(\.gz)?")
            depth = "/".join(["*"] * (pattern.count("/") + 1))
            for path in sorted(self.root.glob(depth)):
                if match := expression.fullmatch(path.relative_to(self.root).as_posix()):
                    found = {name: text for name, text in match.groupdict().items() if text}
                    lang = found.pop("lang", None)
                    key = (pattern, *found.values())
                    groups[key] |= {lang} if lang else set(found.values())
        return [{self._ours(code) for code in group} for group in groups.values()]

    def _expression(self, pattern: str) -> str:
        code = "|".join([*map(re.escape, sorted(self.codes.values(), key=len, reverse=True)), r"\w+"])
        pattern, seen = pattern.replace("{pair}", "{source}-{target}"), set[str]()

        def group(match: re.Match[str]) -> str:
            name = match.group(1)
            again = name in seen
            seen.add(name)
            return f"(?P={name})" if again else f"(?P<{name}>{code})"

        split = re.escape(self.splits["train"])
        escaped = re.sub(r"\\([{}\-])", r"\1", re.escape(pattern)).replace("{split}", split)
        return re.sub(r"\{(\w+)\}", group, escaped)

    def _ours(self, code: str) -> str:
        return next((ours for ours, theirs in self.codes.items() if theirs == code), code)


def directions_among(groups: list[set[str]]) -> set[Direction]:
    """Both directions of every two languages that share a group."""
    pairs = {pair for group in groups for pair in combinations(sorted(group), 2)}
    return {Direction(*pair) for a, b in pairs for pair in ((a, b), (b, a))}


def _existing(path: Path) -> Path | None:
    for candidate in (path, path.with_name(path.name + ".gz")):
        if candidate.is_file():
            return candidate
    return None
