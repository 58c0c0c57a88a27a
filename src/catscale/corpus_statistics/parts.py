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
    parts = [part for part in (*_side_by_side(files), *_single(files)) if _has_pairs(part)]
    if not parts:
        raise DataError(
            f"{path} holds no text in two languages that can be read; there are {list_files(path)}; train files were "
            f"looked for by the names of {list_names()}; then single files that end in {ENDINGS}, and files side by "
            "side such as NAME.az-en.az and NAME.az-en.en, or NAME.train.az and NAME.train.en; rename the files, or "
            "write a configuration with data.pattern"
        )
    return FolderParts(tuple(parts), tuple(sorted(_unread(files, parts, path))))


def _unread(files: Iterable[Path], parts: Iterable[CorpusPart], root: Path) -> set[str]:
    """Return the names of files of dev or test that no corpus takes."""
    taken = set()
    for part in parts:
        corpus = FolderParts((part,)).corpus()
        for direction in corpus.available:
            for split in ("dev", "test"):
                if corpus.has_split(split, direction):
                    taken |= {*corpus.files(split, direction), *corpus.references(split, direction)}
    return {str(file.relative_to(root)) for file in files if find_held_out(file.name) and file not in taken}


def _of_layout(name: str, path: Path, corpus: Corpus) -> CorpusPart:
    """Return the settings of a layout, with other names of dev and test where those find files."""
    names = SplitNames()
    for split, (_, *others) in SPLIT_WORDS.items():
        if split != "train" and not _has_split(corpus, split):
            for other in others:
                tried = names.model_copy(update={split: other})
                config = corpus.config.model_copy(update={"splits": tried})
                if _has_split(Corpus(config), split):
                    names = tried
                    break
    return CorpusPart(format=name, path=path, splits=names)


def _has_split(corpus: Corpus, split: str) -> bool:
    return any(corpus.has_split(split, direction) for direction in corpus.available)


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


def _has_pairs(part: CorpusPart) -> bool:
    try:
        return bool(FolderParts((part,)).corpus().available)
    except DataError:
        return False  # a file that only ends as a corpus would
