"""The name of a prepared store: a hash of the inputs' content and of the settings that matter.

It depends neither on where the corpus lies nor on the time. Hashes of files are remembered by path, size, times and
inode, so that preparing a large corpus again reads none of it.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from catscale.data.config import DataConfig
from catscale.data.corpora.corpus import SPLITS, Corpus
from catscale.data.corpora.source import Input
from catscale.data.corpus_config import without_unset
from catscale.data.direction import SplitOfDirection
from catscale.data.formats.table import file_format
from catscale.errors import CatscaleError, DataError
from catscale.system.reading.json_file import parse_json
from catscale.system.reading.regular_file import MEBIBYTE, read_regular
from catscale.system.writing.files import write_json
from catscale.system.writing.places import find_kind
from catscale.vocabulary.contract import VocabularySettings

FORMAT = 1  # of the store's content; a change of cleaning or of encoding raises it
SETTLED = 2.0  # seconds; a file changed more recently may change again within the clock's resolution
IRRELEVANT = {"path", "store", "source", "sources", "target", "targets", "directions", "splits", "pattern"}
IDENTIFIED = {"files", "name", "revision", "zero_shot"}  # by what is read: `Corpus.inputs` names it


class HashCache:
    """SHA-256 of files, remembered in a JSON file.

    Args:
        path: The JSON file; one that is missing counts as empty, so does one that is not ours, which is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._changed = path, False
        self._given: dict[Path, list[Any]] = {}  # what was said of each file
        self._known: dict[str, Any] = {}
        kind = find_kind(path)
        self._is_ours = kind is None
        try:
            found = parse_json(read_regular(path, 256 * MEBIBYTE) or b"{}") if kind == "a file" else None
        except (OSError, ValueError):
            return
        if isinstance(found, dict) and all(map(_is_entry, found.values())):
            self._known, self._is_ours = found, True

    def hash(self, file: Path) -> str:
        """Return the SHA-256 of a file's bytes, in hexadecimal.

        Raises:
            DataError: If it cannot be read.
        """
        try:
            name, stamp = str(file.resolve()), _stamp(file)
            known = self._known.get(name)
            if known is None or known[:-1] != stamp:
                known = [*stamp, _digest(file)]
        except OSError as error:
            raise DataError(f"cannot read {file}: {error.strerror}; check that it is there and readable") from error
        if time.time() - max(stamp[1], stamp[2]) / 1e9 > SETTLED and self._known.get(name) != known:
            self._known[name], self._changed = known, True
        self._given.setdefault(file, known)
        return str(known[-1])

    def begin(self) -> None:
        """Forget which hashes were given: those of another fingerprint do not matter any more."""
        self._given.clear()

    def check_unchanged(self) -> None:
        """Raise if a file is no longer the one whose hash was given: what was read since may be another text.

        Raises:
            DataError: If so; the message names the file.
        """
        for file, (*stamp, digest) in self._given.items():
            try:
                is_same = _stamp(file) == stamp or _digest(file) == digest
            except OSError:
                is_same = False
            if not is_same:
                raise DataError(
                    f"{file} was changed or replaced while it was read; the store would hold text of both, so nothing "
                    "is kept: run the command again when the file is complete"
                )

    def save(self) -> None:
        """Write what was learnt; a folder that cannot be written costs only time."""
        if self._changed and self._is_ours:
            try:
                write_json(self._path, self._known)
            except CatscaleError:
                return


def _is_entry(value: Any) -> bool:
    """Return whether a value is what identifies a file, and its hash; versions up to 0.1 noted less."""
    return isinstance(value, list) and len(value) in (3, 5) and isinstance(value[-1], str)


def _stamp(file: Path) -> list[int]:
    """Return size, modification time, change time and inode; the last two tell a file from one put in its place."""
    status = file.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def used_splits(corpus: Corpus) -> list[SplitOfDirection]:
    """Return every (split, direction) that is read from files, in a fixed order; those that are never trained last."""
    return [
        (split, direction)
        for direction in corpus.directions
        for split in SPLITS
        if split not in corpus.made_splits(direction) and corpus.has_split(split, direction)
    ] + corpus.zero_shot_parts


def fingerprint(corpus: Corpus, vocabulary: VocabularySettings, cache: HashCache) -> str:
    """Return the SHA-256 over format, settings, directions and the content of every input file, in hexadecimal."""
    cache.begin()
    files = [
        [split, str(direction), *(_identify(item, cache) for item in corpus.inputs(split, direction))]
        for split, direction in used_splits(corpus)
    ]
    models = [cache.hash(path) for path in vocabulary.inputs]
    content: dict[str, Any] = {
        "format": FORMAT,
        "data": relevant_settings(corpus.config),
        "directions": [str(direction) for direction in corpus.directions],
        "vocabulary": vocabulary.relevant(),
        "model": models[0] if len(models) == 1 else models or None,  # one or none in version 0.1
        "files": files,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _identify(item: Input, cache: HashCache) -> str:
    return cache.hash(item) if isinstance(item, Path) else item


def relevant_settings(config: DataConfig) -> dict[str, Any]:
    """Return the settings that change what is prepared, beyond the files that they find."""
    settings = config.model_dump(mode="json", exclude=IRRELEVANT | IDENTIFIED | {"corpora"})
    if config.limit:
        settings["limit_of"] = "pairs whose pieces fit"  # once cut before the filter on pieces
    if config.holdout is not None and not config.holdout.replace:
        del settings["holdout"]["replace"]  # as before there was the setting
    formats = {name: form for part in config.parts if (form := file_format(name := str(part.format))) is not None}
    if readings := {name: form.reading for name, form in sorted(formats.items()) if form.reading > 1}:
        settings["readings"] = readings
    if config.corpora is not None:  # not there at all for a single corpus, whose fingerprint is older than mixtures
        left_out = IRRELEVANT | IDENTIFIED | {"use"}
        corpora = [part.model_dump(mode="json", exclude=left_out) for part in config.corpora]
        settings["corpora"] = [without_unset(part) for part in corpora]
    return settings
