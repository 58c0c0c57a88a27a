"""What every format in the table promises; a new format is tested here by being listed, with a writer."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from catscale.corpus_statistics.guess import open_file
from catscale.data import DataConfig, Direction
from catscale.data.config import HoldoutConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.formats.checks import CHECKS, FormatCase, check_format
from catscale.data.formats.contract import AlignedFormat, FileFormat
from catscale.data.formats.lines import read_lines
from catscale.data.formats.table import FORMATS
from catscale.data.pairs import Placed
from catscale.errors import ConfigError, DataError
from tests.data.formats.writers import WRITERS

BOTH = {name: form for name, form in FORMATS.items() if isinstance(form, FileFormat)}
EN_DE = Direction("en", "de")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", BOTH)
def test_the_contract(name: str, check: Callable[[FormatCase], None], tmp_path: Path) -> None:
    check(FormatCase(BOTH[name], WRITERS[name], tmp_path))


@pytest.mark.parametrize("name", FORMATS)
def test_the_first_file_name_of_a_format_is_found(name: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    for language in ("en", "de") if isinstance(form, AlignedFormat) else ("en",):
        placeholders = {"source": "en", "target": "de", "pair": "en-de", "lang": language}
        path = tmp_path / form.patterns[0].partition("|")[0].format(split="train", **placeholders)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"one\n" if isinstance(form, AlignedFormat) else WRITERS[name]([("one", "eins")]))
    corpus = Corpus(DataConfig(format=name, path=tmp_path, directions=["en-de"], holdout=HoldoutConfig(dev=1, test=0)))
    assert [left for left, _ in corpus.pairs("train", EN_DE)] == ["one"]


@pytest.mark.parametrize("name", BOTH)
def test_one_file_is_known_by_its_ending(name: str, tmp_path: Path) -> None:
    for ending in BOTH[name].endings:
        path = tmp_path / f"corpus{ending}"
        path.write_bytes(WRITERS[name]([("one two three", "eins zwei drei")]))
        corpus = open_file(path)
        assert corpus is not None
        assert corpus.config.format == name
        assert list(corpus.pairs("train", EN_DE)) == [("one two three", "eins zwei drei")]


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"there is no such format; did you mean 'jsonl'\? known are opus100, moses"):
        DataConfig(format="json_l", path=Path("x"), directions=["en-de"])


def test_only_streams_are_read_from_standard_input() -> None:
    with pytest.raises(ConfigError, match="standard input, which is for tsv, jsonl, tmx, xliff without a pattern"):
        DataConfig(format="ted", path=Path("-"), directions=["en-de"])


def place_halves(path: Path, source: str, target: str) -> Iterator[Placed]:
    """Read a toy of a format: `en ||| de` on each line, after a line that names the languages so."""
    lines = read_lines(path)
    names = next(lines).split(" ||| ")
    for number, line in enumerate(lines, start=2):
        texts = dict(zip(names, line.split(" ||| "), strict=True))
        yield number, (texts[source], texts[target])


HALVES = FileFormat(
    "halves of lines",
    ("{pair}/{split}.halves", "{split}.halves"),
    place=place_halves,
    groups=lambda path: [set(next(read_lines(path)).split(" ||| "))],
    by_header=True,
    endings=(".halves",),
    streams=True,
)


def write_halves(pairs: Sequence[tuple[str, str]]) -> bytes:
    return ("en ||| de\n" + "".join(f"{a} ||| {b}\n" for a, b in pairs)).encode()


def test_a_format_that_is_added_to_the_table_is_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_format(HALVES, write_halves)
    monkeypatch.setitem(FORMATS, "halves", HALVES)
    for split in ("train", "dev"):
        (tmp_path / f"{split}.halves").write_bytes(write_halves([("one two", "eins zwei"), ("three", "drei")]))
    config = DataConfig(format="halves", path=tmp_path, source="en", targets="all")
    corpus = Corpus(config)
    assert corpus.directions == (EN_DE,)
    assert list(corpus.pairs("dev", EN_DE)) == [("one two", "eins zwei"), ("three", "drei")]
    assert DataConfig(format="halves", path=Path("-"), directions=["en-de"]).format == "halves"
    assert open_file(tmp_path / "train.halves") is not None
    with pytest.raises(DataError, match=r"no test split for en-de .*looked for test\.halves|en-de/test\.halves"):
        corpus.pairs("test", EN_DE)
