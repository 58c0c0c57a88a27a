"""The corpora of a folder that nobody described: every layout that fits, else single files and files side by side."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from catscale.corpus_statistics.guess import find_layouts, format_of, list_files, list_names
from catscale.corpus_statistics.name_patterns import SPLIT_WORDS, find_held_out, find_patterns
from catscale.data.config import ALL, DataConfig, HoldoutConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.corpora.layouts import is_aside
from catscale.data.corpus_config import CorpusPart, SplitNames
from catscale.data.direction import Direction
from catscale.errors import DataError

ENDINGS = ".tsv, .jsonl, .tmx, .xlf, .xliff or .parquet"
MANY = 8
"""Single files of a folder that are listed one by one; more are named by a pattern."""


@dataclass(frozen=True)
class FolderParts:
    """The corpora of a folder.

    Attributes:
        parts: Their settings, at least one.
        held_out: Names of files that seem to be dev or test of what is not known.
    """

    parts: tuple[CorpusPart, ...]
    held_out: tuple[str, ...] = ()

    def corpus(self, directions: Iterable[Direction] = ()) -> Corpus:
        """Return the reader of all of them.

        Args:
            directions: The directions that are asked for; none for all.
        """
        named = [str(direction) for direction in directions]
        asked = {"directions": named} if named else {"source": ALL, "target": ALL}
        return Corpus(DataConfig(corpora=list(self.parts), holdout=HoldoutConfig(), **asked))


def find_parts(path: Path) -> FolderParts:
    """Find the corpora of a folder: those of every known layout; where there are none, of single files by their
    endings, and of files side by side such as `Tatoeba.az-en.az` and `Tatoeba.az-en.en`.

    Raises:
        DataError: If nothing can be read, with what was looked for; or if files are faulty.
    """
    if not path.is_dir():
        raise DataError(f"{path} is not a folder (seen from {Path.cwd()}); give the folder that holds the text")
    found = tuple(_of_layout(name, path, corpus) for name, corpus in find_layouts(path).items())
    if found:
        return FolderParts(found)
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and not is_aside(file)]
    parts = [*_side_by_side(files), *_single(files)]
    readers = [(part, reader) for part in parts if (reader := _open_with_pairs(part)) is not None]
    if not readers:
        raise DataError(
            f"{path} holds no text in two languages that can be read; there are {list_files(path)}; train files were "
            f"looked for by the names of {list_names()}; then single files that end in {ENDINGS}, and files side by "
            "side such as NAME.az-en.az and NAME.az-en.en, or NAME.train.az and NAME.train.en; rename the files, or "
            "write a configuration with data.pattern"
        )
    held_out = _unread(files, [reader for _, reader in readers], path)
    return FolderParts(tuple(part for part, _ in readers), tuple(sorted(held_out)))


def _unread(files: Iterable[Path], corpora: Iterable[Corpus], root: Path) -> set[str]:
    """Return the names of files of dev or test that no corpus takes."""
    held_out = [file for file in files if find_held_out(file.name)]
    taken = set()
    for corpus in corpora if held_out else ():
        for direction in corpus.available:
            for split in ("dev", "test"):
                if corpus.has_split(split, direction):
                    taken |= {*corpus.files(split, direction), *corpus.references(split, direction)}
    return {str(file.relative_to(root)) for file in held_out if file not in taken}


def _of_layout(name: str, path: Path, corpus: Corpus) -> CorpusPart:
    """Return the settings of a layout, with other names of dev and test where those find files."""
    names = SplitNames()
    for split, (_, *others) in SPLIT_WORDS.items():
        if split != "train" and not _has_split(corpus, split, corpus.available):
            for other in others:
                tried = names.model_copy(update={split: other})
                config = corpus.config.model_copy(update={"splits": tried})
                if _has_split(Corpus(config), split, corpus.available):
                    names = tried
                    break
    return CorpusPart(format=name, path=path, splits=names)


def _has_split(corpus: Corpus, split: str, directions: Iterable[Direction]) -> bool:
    return any(corpus.has_split(split, direction) for direction in directions)


def _single(files: Iterable[Path]) -> list[CorpusPart]:
    """Return a corpus for each file that holds both sides, or for all of one ending where a folder has many."""
    groups: dict[tuple[Path, str, str], list[Path]] = defaultdict(list)
    for file in files:
        if (name := format_of(file)) is not None:
            groups[file.parent, name, file.name.removesuffix(".gz").rpartition(".")[2]].append(file)
    parts = []
    for (folder, name, ending), found in groups.items():
        usable = [file for file in found if not find_held_out(file.name)]
        if len(usable) > MANY and usable == found:
            parts.append(CorpusPart(format=name, path=folder, pattern=f"*.{ending}"))
        else:
            parts += [CorpusPart(format=name, path=file) for file in usable]
    return parts


def _side_by_side(files: Iterable[Path]) -> list[CorpusPart]:
    """Return a corpus for each pattern of the names of files of single languages, folder by folder."""
    folders: dict[Path, list[str]] = defaultdict(list)
    for file in files:
        folders[file.parent].append(file.name)
    return [
        CorpusPart(format="moses", path=folder, pattern=found.pattern, splits=found.splits)
        for folder, names in folders.items()
        for found in find_patterns(names)
    ]


def _open_with_pairs(part: CorpusPart) -> Corpus | None:
    """Return the reader of a corpus; None where it has no pairs."""
    try:
        corpus = FolderParts((part,)).corpus()
        return corpus if corpus.available else None
    except DataError:
        return None  # a file that only ends as a corpus would
