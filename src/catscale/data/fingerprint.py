"""The name of a prepared store: a hash of the inputs' content and of the settings that matter.

It depends neither on where the corpus lies nor on the time. Hashes of files are remembered by (path, size,
modification time), so that preparing a large corpus again reads none of it.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from catscale.data.config import DataConfig
from catscale.data.corpus import SPLITS, Corpus
from catscale.data.part import Input
from catscale.data.vocabulary_training import VocabularyConfig
from catscale.errors import CatscaleError, DataError
from catscale.system.files import write_json

FORMAT = 1  # of the store's content; a change of cleaning or of encoding raises it
READINGS = {"xliff": 2, "tmx": 2}  # formats of which the same files once gave other pairs
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
        self._known: dict[str, Any] = {}
        try:
            found = json.loads(path.read_bytes() or "{}")
            self._is_ours = isinstance(found, dict) and all(map(_is_entry, found.values()))
            self._known = found if self._is_ours else {}
        except (OSError, ValueError, RecursionError) as error:
            self._is_ours = isinstance(error, FileNotFoundError)

    def hash(self, file: Path) -> str:
        """SHA-256 of a file's bytes, in hexadecimal.

        Raises:
            DataError: If it cannot be read.
        """
        try:
            status, name = file.stat(), str(file.resolve())
            stamp = [status.st_size, status.st_mtime_ns]
            known = self._known.get(name)
            if known is not None and known[:2] == stamp:
                return str(known[2])
            with file.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"cannot read {file}: {error.strerror}; check that it is there and readable") from error
        if time.time() - status.st_mtime > SETTLED:
            self._known[name], self._changed = [*stamp, digest], True
        return digest

    def save(self) -> None:
        """Write what was learnt; a folder that cannot be written costs only time."""
        if self._changed and self._is_ours:
            try:
                write_json(self._path, self._known)
            except CatscaleError:
                return


def _is_entry(value: Any) -> bool:
    """Whether a value is size, modification time and hash of a file."""
    return isinstance(value, list) and len(value) == 3 and isinstance(value[2], str)


def used_splits(corpus: Corpus) -> list[tuple[str, Any]]:
    """Every (split, direction) that is read from files, in a fixed order; those that are never trained last."""
    made = corpus.config.holdout
    replaced = {split for split in ("dev", "test") if made is not None and getattr(made, split)}
    return [
        (split, direction)
        for direction in corpus.directions
        for split in SPLITS
        if split not in replaced and corpus.has_split(split, direction)
    ] + corpus.zero_shot_parts


def fingerprint(corpus: Corpus, vocabulary: VocabularyConfig, cache: HashCache) -> str:
    """SHA-256 over format, settings, directions and the content of every input file, in hexadecimal."""
    files = [
        [split, str(direction), *(_identify(item, cache) for item in corpus.inputs(split, direction))]
        for split, direction in used_splits(corpus)
    ]
    model = vocabulary.model_file
    content: dict[str, Any] = {
        "format": FORMAT,
        "data": relevant_settings(corpus.config),
        "directions": [str(direction) for direction in corpus.directions],
        "vocabulary": vocabulary.relevant(),
        "model": cache.hash(model) if model is not None else None,
        "files": files,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _identify(item: Input, cache: HashCache) -> str:
    return cache.hash(item) if isinstance(item, Path) else item


def relevant_settings(config: DataConfig) -> dict[str, Any]:
    """The settings that change what is prepared, beyond the files that they find."""
    settings = config.model_dump(mode="json", exclude=IRRELEVANT | IDENTIFIED | {"corpora"})
    if read_anew := sorted({str(part.format) for part in config.parts} & set(READINGS)):
        settings["readings"] = {name: READINGS[name] for name in read_anew}
    if config.corpora is not None:  # not there at all for a single corpus, whose fingerprint is older than mixtures
        left_out = IRRELEVANT | IDENTIFIED | {"use"}
        settings["corpora"] = [part.model_dump(mode="json", exclude=left_out) for part in config.corpora]
    return settings
