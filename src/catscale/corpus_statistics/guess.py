"""The layout and the directions of a corpus folder that no configuration describes."""

from pathlib import Path
from typing import Literal, get_args

from catscale.data.config import DataConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.corpora.layouts import PATTERNS, XLIFF, Layout
from catscale.data.direction import Direction
from catscale.data.languages.codes import base_language
from catscale.errors import DataError

GuessedFormat = Literal["opus100", "moses", "tsv", "jsonl", "ted", "tmx", "xliff", "parquet"]

ENDINGS: dict[str, GuessedFormat] = {
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".tmx": "tmx",
    ".parquet": "parquet",
    **dict.fromkeys(XLIFF, "xliff"),
}
"""The endings of files of formats that hold both sides."""


def guess_corpus(path: Path) -> Corpus:
    """Return the corpus of a folder in which exactly one layout finds train files.

    Raises:
        DataError: If none does, or several do; or the files are faulty.
    """
    formats: tuple[GuessedFormat, ...] = get_args(GuessedFormat)
    tried = {name: Corpus(DataConfig(format=name, path=path, source="all", target="all")) for name in formats}
    fitting = [name for name, corpus in tried.items() if corpus.available]
    if len(fitting) == 1:
        return tried[fitting[0]]
    looked = "; ".join(f"{name}: {', '.join(PATTERNS[name])}" for name in formats)
    if fitting:
        raise DataError(
            f"{path} has train files in {len(fitting)} layouts, {' and '.join(fitting)}; say which one is meant in a "
            "configuration (data.format, and data.pattern if needed), and give it with --config"
        )
    raise DataError(
        f"{path} is neither a configuration, nor a token store{_stores_in(path)}, nor a corpus whose layout is known; "
        f"there are {_files_in(path)}, and train files were looked for by the names of {looked}; name the files with "
        "data.pattern in a configuration, and give it with --config"
    )


def open_file(path: Path) -> Corpus | None:
    """Return the corpus that one file holds, by its ending; None if no format with both sides has that ending."""
    ending = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    name = ENDINGS.get(ending.lower())
    return None if name is None else Corpus(DataConfig(format=name, path=path, source="all", target="all"))


def _files_in(path: Path) -> str:
    layout = Layout.of(DataConfig(format="moses", path=path, source="all", target="all"))
    return ", ".join(layout.some_files()) or "no files"


def _stores_in(path: Path) -> str:
    found = sorted(manifest.parent.name for manifest in path.glob("*/manifest.json"))
    return f" (it holds some: {', '.join(found)})" if found else ""


def choose_directions(corpus: Corpus) -> tuple[Direction, ...]:
    """Choose directions from English if there is English, otherwise every two languages once, in the order of their
    codes."""
    english = tuple(direction for direction in corpus.available if base_language(direction.source) == "en")
    return english or tuple(direction for direction in corpus.available if direction.source < direction.target)
