"""What a recipe may say of a corpus' parts, and the files that each is read from."""

from typing import Any

import pytest

from catscale.errors import ConfigError
from catscale.recipes.parts import ColumnsPart, FilesPart, MemoryPart, SplitPart, TablePart, TextPart, places

PAIR: dict[str, Any] = {"pair": "en-kk", "split": "train"}
LINES: dict[str, Any] = {"kind": "lines", **PAIR}
BOTH = {"en": "x.en", "kk": "x.kk"}


@pytest.mark.parametrize(
    ("part", "files"),
    [
        (FilesPart(kind="files", archives="opus-*.tar.gz"), ["opus-*.tar.gz"]),
        (TablePart(kind="table", archive="ted.zip", members="*", columns=["en", "kk"]), ["ted.zip"]),
        (TextPart(**LINES, archive="a.tgz", members=BOTH), ["a.tgz"]),
        (TextPart(**LINES, files=BOTH), ["x.en", "x.kk"]),
        (ColumnsPart(kind="columns", **PAIR, file="x.tsv", columns={"en": 0, "kk": 1}), ["x.tsv"]),
        (MemoryPart(kind="tmx", **PAIR, file="x.tmx"), ["x.tmx"]),
        (SplitPart(kind="split", pair="en-kk"), []),
    ],
)
def test_places(part: Any, files: list[str]) -> None:
    assert places(part) == files


@pytest.mark.parametrize(
    "content",
    [{}, {"archive": "a.tgz"}, {"archive": "a.tgz", "files": BOTH}, {"members": BOTH, "files": BOTH}],
)
def test_texts_lie_in_an_archive_or_in_files(content: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="give archive and members, or files"):
        TextPart(**LINES, **content)


def test_each_language_of_the_pair_has_its_place() -> None:
    with pytest.raises(ConfigError, match="one place a language of en-kk is needed, found en"):
        TextPart(**LINES, files={"en": "x.en"})
    with pytest.raises(ConfigError, match="one column per language of en-kk is needed, found en, ru"):
        ColumnsPart(kind="columns", **PAIR, file="x", columns={"en": 0, "ru": 1})
    with pytest.raises(ConfigError, match="by must be a language of en-kk, found 'ru'"):
        SplitPart(kind="split", pair="en-kk", by="ru")


@pytest.mark.parametrize("pair", ["en", "../x-y", "en-en-en-", ""])
def test_a_pair_is_a_direction(pair: str) -> None:
    with pytest.raises(ConfigError, match="pair"):
        SplitPart(kind="split", pair=pair, by="en")
