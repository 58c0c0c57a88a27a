"""Where the files of a split and a direction lie, and which directions a folder has.

A layout is a list of file names with placeholders, tried in order, each for the direction as asked and
turned round ({source} and {target} exchanged), each plain and with `.gz`. A `*` in a name stands for any part of it:
all files that fit are taken, in the order of their names.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from string import Formatter

from catscale.data.corpus_config import ALIGNED, UNSET, CorpusConfig
from catscale.data.direction import LONGEST, Direction, is_code
from catscale.errors import DataError

CODE = rf"[A-Za-z0-9]\w{{,{LONGEST - 1}}}"
"""What a language may be called in the name of a file."""
PATTERNS = {
    "opus100": (
        "supervised/{pair}/opus.{pair}-{split}.{lang}",
        "{pair}/opus.{pair}-{split}.{lang}",
        "opus.{pair}-{split}.{lang}",
        "zero-shot/{pair}/opus.{pair}-{split}.{lang}",
    ),
    "moses": (
        "{pair}/{split}.{pair}.{lang}",
        "{pair}/{split}.{lang}",
        "{split}.{pair}.{lang}",
        "{split}.{lang}",
    ),
    "tsv": ("{pair}/{split}.tsv", "{split}.{pair}.tsv", "{split}.tsv"),
    "jsonl": ("{pair}/{split}.jsonl", "{split}.{pair}.jsonl", "{split}.jsonl"),
    "ted": ("all_talks_{split}.tsv",),
    "tmx": ("{pair}/{split}.tmx", "{split}.{pair}.tmx", "{split}.tmx"),
    "xliff": tuple(
        name + ending
        for name in ("{pair}/{split}", "{split}.{pair}", "{pair}/{split}/*", "{split}")
        for ending in (".xlf", ".xliff")
    ),
    # the names of the Hugging Face Hub, which cuts large splits into several files
    "parquet": (
        "{pair}/{split}.parquet",
        "{pair}/{split}-*.parquet",
        "{split}.{pair}.parquet",
        "{split}.parquet",
        "{split}-*.parquet",
    ),
}
VALIDATION = "validation"  # what the Hub calls dev
LANGUAGE_NAMES = ("source", "target", "pair", "lang")


@dataclass(frozen=True)
class Layout:
    """The files of a corpus.

    Attributes:
        root: The corpus' folder.
        patterns: File names with placeholders, in the order in which they are tried.
        codes: Our language code → the code in file names, where they differ.
        splits: Our name of a split → the files' names, in the order in which they are tried.
    """

    root: Path
    patterns: tuple[str, ...]
    codes: dict[str, str]
    splits: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, config: CorpusConfig) -> "Layout":
        """The layout that a configuration describes.

        Raises:
            DataError: If its folder is not there, or is a file that cannot be read as it is.
        """
        path, codes, splits = config.path or Path(), config.language_codes, split_names(config)
        if path.is_file() and config.format not in ALIGNED:
            if config.pattern is not None:
                raise DataError(f"data.path {path} is a file, so there is nothing for data.pattern; name its folder")
            return cls(path.parent, (path.name.replace("{", "{{").replace("}", "}}"),), codes, splits)
        if not path.is_dir():
            unset = UNSET.get(str(path))
            remedy = f"set the environment variable {unset} to where the corpora are, or " if unset else ""
            raise DataError(f"data.path {path} is not a folder (seen from {Path.cwd()}); {remedy}correct data.path")
        patterns = (config.pattern,) if config.pattern else PATTERNS[str(config.format)]
        return cls(path, patterns, codes, splits)

    def code(self, language: str) -> str:
        """The files' code of a language."""
        return self.codes.get(language, language)

    def find(self, split: str, direction: Direction) -> tuple[Path, ...] | None:
        """The source's and the target's file, or all files that hold both sides, or none.

        Raises:
            DataError: If a pair's file of one language is there and the other's is not.
        """
        for pattern in self.patterns:
            if split != "train" and "{split}" not in pattern:
                continue  # one file holds everything: read again as dev or test it would be the train data
            for names in self._names(pattern, split, direction):
                found = [self._existing(name) for name in names]
                if all(found):
                    return tuple(path for paths in found for path in paths)
                if any(found) and re.search(r"\{(pair|source|target)\}", pattern):
                    here, missing = (names[0], names[1]) if found[0] else (names[1], names[0])
                    raise DataError(
                        f"{self.root / here} has no counterpart {missing}; a pair needs the files of both "
                        "languages, so add the missing one"
                    )
        return None

    def _existing(self, name: str) -> list[Path]:
        """The files of a name, plain or packed; several where it has a `*`."""
        for candidate in (name, name + ".gz"):
            found = sorted(self.root.glob(candidate)) if "*" in name else [self.root / candidate]
            if files := [path for path in found if path.is_file()]:
                return files
        return []

    def expected(self, split: str, direction: Direction) -> list[str]:
        """The file names that would be looked for first, for messages."""
        return [next(self._names(pattern, split, direction))[-1] for pattern in self.patterns]

    def _names(self, pattern: str, split: str, direction: Direction) -> Iterator[list[str]]:
        """Names of the two files, or of the one that holds both languages."""
        source, target = self.code(direction.source), self.code(direction.target)
        for name in self.splits[split]:
            for one, other in ((source, target), (target, source)):
                values = {"split": name, "source": one, "target": other, "pair": f"{one}-{other}"}
                both = (pattern.format(**values, lang=language) for language in (source, target))
                yield list(dict.fromkeys(both))

    def multilingual_files(self) -> list[Path]:
        """Train files whose names do not tell which languages they hold."""
        names = [p for p in self.patterns if not set(LANGUAGE_NAMES) & {n for _, n, _, _ in Formatter().parse(p)}]
        return [path for name in names for path in self._existing(name.format(split=self.splits["train"][0]))]

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
        return [{self.ours(code) for code in group} for group in groups.values()]

    def _expression(self, pattern: str) -> str:
        code = "|".join([*map(re.escape, sorted(self.codes.values(), key=len, reverse=True)), CODE])
        pattern, seen = pattern.replace("{pair}", "{source}-{target}"), set[str]()

        def group(match: re.Match[str]) -> str:
            name = match.group(1)
            again = name in seen
            seen.add(name)
            return f"(?P={name})" if again else f"(?P<{name}>{code})"

        split = re.escape(self.splits["train"][0])
        escaped = re.sub(r"\\([{}\-])", r"\1", re.escape(pattern)).replace("{split}", split)
        return re.sub(r"\{(\w+)\}", group, escaped.replace(r"\*", "[^/]*"))

    def ours(self, code: str) -> str:
        """Our code of a language of the files."""
        return next((ours for ours, theirs in self.codes.items() if theirs == code), code)


def directions_among(groups: list[set[str]]) -> set[Direction]:
    """Both directions of every two languages that share a group; what can be no language's code is passed over."""
    pairs = {pair for group in groups for pair in combinations(sorted(filter(is_code, group)), 2)}
    return {Direction(*pair) for a, b in pairs for pair in ((a, b), (b, a))}


def split_names(config: CorpusConfig) -> dict[str, tuple[str, ...]]:
    """Our name of a split → the files' names of it; dev is `validation` too where the Hub's names are usual."""
    names: dict[str, tuple[str, ...]] = {split: (name,) for split, name in config.splits.model_dump().items()}
    if config.format in ("hf", "parquet") and names["dev"] == ("dev",):
        names["dev"] = ("dev", VALIDATION)
    return names
