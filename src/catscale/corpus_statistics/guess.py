"""The layout and the directions of a corpus folder that no configuration describes."""

from pathlib import Path

from catscale.data.config import DataConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.corpora.layouts import Layout
from catscale.data.direction import Direction
from catscale.data.formats.contract import FileFormat
from catscale.data.formats.table import FORMATS
from catscale.data.languages.codes import base_language
from catscale.errors import DataError


def guess_corpus(path: Path) -> Corpus:
    """Return the corpus of a folder in which exactly one layout finds train files.

    Raises:
        DataError: If none does, or several do; or the files are faulty.
    """
    fitting = find_layouts(path)
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if fitting:
        raise DataError(
            f"{path} has train files in {len(fitting)} layouts, {' and '.join(fitting)}; say which one is meant in a "
            "configuration (data.format, and data.pattern if needed), and give it with --config"
        )
    raise DataError(
        f"{path} is neither a configuration, nor a token store{_stores_in(path)}, nor a corpus whose layout is known; "
        f"there are {list_files(path)}, and train files were looked for by the names of {list_names()}; name the files "
        "with data.pattern in a configuration, and give it with --config"
    )


def find_layouts(path: Path) -> dict[str, Corpus]:
    """Return the layouts that find train files in a folder, by the names of their formats.

    Raises:
        DataError: If files are faulty.
    """
    tried = {name: Corpus(DataConfig(format=name, path=path, source="all", target="all")) for name in FORMATS}
    return {name: corpus for name, corpus in tried.items() if corpus.available}


def list_names() -> str:
    """Return the names of files that are looked for, by format, for messages."""
    return "; ".join(f"{name}: {', '.join(form.patterns)}" for name, form in FORMATS.items())


def open_file(path: Path) -> Corpus | None:
    """Return the corpus that one file holds, by its ending; None if no format with both sides has that ending."""
    name = format_of(path)
    return None if name is None else Corpus(DataConfig(format=name, path=path, source="all", target="all"))


def format_of(path: Path) -> str | None:
    """Return the name of the format with both sides that a file has by its ending; None if there is none."""
    ending = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    both = {name: form for name, form in FORMATS.items() if isinstance(form, FileFormat)}
    return next((name for name, form in both.items() if ending.lower() in form.endings), None)


def list_files(path: Path) -> str:
    """Return the names of some files in a folder, for messages."""
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
