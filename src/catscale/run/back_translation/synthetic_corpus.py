"""The files of back-translated text, and how far they are: cut off at any moment, they go on without a line twice.

    CORPUS/train.yy-xx.yy, train.yy-xx.xx          translations, and the text that was translated, line by line
    CORPUS/train.yy-xx.yy.part, train.yy-xx.xx.part    the same while they are not complete
    CORPUS/.progress.yy-xx.json                    the lines that were read, and the bytes of both files that count

Lines are appended and flushed first, then the progress is replaced: what stands in the files beyond it is cut off.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from catscale.data.direction import Direction, DirectionName
from catscale.errors import CatscaleError, ConfigError
from catscale.system.reading.json_file import SMALL, read_json
from catscale.system.reading.schema import Count, FileSchema, Text
from catscale.system.writing.files import append_to, move_file, write_json
from catscale.system.writing.places import find_kind

FAULTS = ("blank", "empty", "loop", "copy", "cut")
"""Reasons for which a line is left out: no text to translate, no translation, one that is none."""


class _Progress(FileSchema):
    """The content of the file of progress."""

    direction: DirectionName
    model: Text | None
    settings: dict[Text, Any]
    lines: Count
    sha256: Text
    sizes: list[Count] = Field(min_length=2, max_length=2)
    kept: Count
    dropped: dict[Text, Count]


@dataclass
class BackTranslationState:
    """The progress of a back-translation.

    Attributes:
        maker: The direction, the model and the settings that it is translated by.
        lines: Lines of the input that are done.
        sha256: The checksum of these lines.
        sizes: Bytes of the two files.
        kept: Lines that were kept.
        dropped: Reason → lines that were left out.
    """

    maker: dict[str, Any]
    lines: int = 0
    sha256: str = ""
    sizes: tuple[int, int] = (0, 0)
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FAULTS, 0))


@dataclass(frozen=True)
class SyntheticCorpus:
    """The files of one direction in a corpus of back-translated text.

    Attributes:
        folder: The corpus.
        direction: From the language of the translations to that of the text: the direction that it trains.
    """

    folder: Path
    direction: Direction

    @property
    def final(self) -> tuple[Path, Path]:
        """The complete files: translations, and the text."""
        source, target = (f"train.{self.direction}.{code}" for code in (self.direction.source, self.direction.target))
        return self.folder / source, self.folder / target

    @property
    def parts(self) -> tuple[Path, Path]:
        """The files while they are not complete."""
        source, target = (path.with_name(f"{path.name}.part") for path in self.final)
        return source, target

    @property
    def progress(self) -> Path:
        """The file that tells how far they are."""
        return self.folder / f".progress.{self.direction}.json"

    def begin(self, maker: Mapping[str, Any], left_open: Collection[str] = ()) -> BackTranslationState:
        """Return where the corpus stands, with its files under the names of unfinished ones.

        Args:
            maker: The direction, the model and the settings that are asked for now.
            left_open: Settings that are asked for by no value: what is on record stays.

        Raises:
            ConfigError: If what is there was made otherwise, or is not ours.
            CatscaleError: If it is damaged.
        """
        if find_kind(self.progress) is None:
            if there := next((path for path in (*self.final, *self.parts) if find_kind(path) is not None), None):
                raise ConfigError(f"{there} is there, and no {self.progress.name}; choose another folder with --out")
            return BackTranslationState(dict(maker))
        content = read_json(self.progress, _Progress, CatscaleError, "remove it with its files, to begin anew", SMALL)
        made = {key: content.pop(key) for key in maker}
        settings = maker["settings"]
        kept = {key: made["settings"][key] for key in settings if key in left_open and key in made["settings"]}
        wanted = {**maker, "settings": {**settings, **kept}}
        if made != wanted:
            key = next(key for key in maker if made[key] != wanted[key])
            raise ConfigError(
                f"{self.folder} holds back-translations of {self.direction} by another {key}: {made[key]} there, "
                f"{wanted[key]} now; choose another folder with --out, or undo the change"
            )
        for final, part in zip(self.final, self.parts, strict=True):
            if find_kind(part) is None and find_kind(final) is not None:
                move_file(final, part)
        return BackTranslationState(wanted, **{**content, "sizes": tuple(content["sizes"])})

    def append(self, state: BackTranslationState, pairs: Sequence[tuple[str, str]]) -> None:
        """Write pairs of a translation and its text behind those that count, and take note of it in the state.

        Raises:
            CatscaleError: If they cannot be written.
        """
        sizes = []
        for side, (path, size) in enumerate(zip(self.parts, state.sizes, strict=True)):
            content = "".join(f"{pair[side]}\n" for pair in pairs).encode()
            with append_to(path, size) as file:
                rest = memoryview(content)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            sizes.append(size + len(content))
        state.sizes, state.kept = (sizes[0], sizes[1]), state.kept + len(pairs)
        self.save(state)

    def save(self, state: BackTranslationState) -> None:
        """Write how far the corpus is."""
        counts = {"lines": state.lines, "sha256": state.sha256, "sizes": list(state.sizes), "kept": state.kept}
        write_json(self.progress, {**state.maker, **counts, "dropped": state.dropped})

    def finish(self) -> None:
        """Give the files their names."""
        for final, part in zip(self.final, self.parts, strict=True):
            if find_kind(part) is not None:
                move_file(part, final)


def list_complete(folder: Path) -> list[Direction]:
    """Return the directions of a corpus whose files are complete."""
    names = [path.name.removeprefix(".progress.").removesuffix(".json") for path in folder.glob(".progress.*.json")]
    corpora = [SyntheticCorpus(folder, Direction.parse(name)) for name in sorted(names)]
    return [corpus.direction for corpus in corpora if all(find_kind(path) == "a file" for path in corpus.final)]
