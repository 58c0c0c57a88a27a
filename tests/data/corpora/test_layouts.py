"""The files of a folder: which are taken for a split and a direction, and why others are not."""

from pathlib import Path
from typing import Any

import pytest

from catscale.data.corpora.layouts import Layout, directions_among, is_aside, split_names
from catscale.data.corpus_config import CorpusConfig, SplitNames
from catscale.data.direction import Direction
from catscale.errors import DataError
from tests.data.toy_corpora import write

EN_DE = Direction("en", "de")


def layout_of(root: Path, *names: str, **settings: Any) -> Layout:
    """Write files of one line, and return the layout of their folder."""
    for name in names:
        write(root / name, ["x"])
    given: dict[str, Any] = {"format": "moses", "path": root}
    return Layout.of(CorpusConfig(**given | settings))


def found(layout: Layout, split: str = "train", direction: Direction = EN_DE) -> list[str]:
    return [path.relative_to(layout.root).as_posix() for path in layout.find(split, direction) or ()]


@pytest.mark.parametrize("pair", ["en-de", "de-en"])
def test_a_pair_s_files_may_be_named_either_way_round(tmp_path: Path, pair: str) -> None:
    layout = layout_of(tmp_path, f"{pair}/train.en", f"{pair}/train.de.gz")
    assert found(layout) == [f"{pair}/train.en", f"{pair}/train.de.gz"]
    assert found(layout, direction=Direction("de", "en")) == [f"{pair}/train.de.gz", f"{pair}/train.en"]
    assert found(layout, "dev") == []


def test_the_plain_file_is_taken_and_the_packed_one_named(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, "train.en", "train.en.gz", "train.de")
    assert found(layout) == found(layout) == ["train.en", "train.de"]
    (note,) = layout.notes
    assert "train.en.gz is passed over, because" in note


def test_one_side_alone_is_refused_when_it_is_asked_for(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, "train.en-de.en")
    assert not layout.has(EN_DE)
    with pytest.raises(
        DataError, match=r"train\.en-de\.en has no counterpart train\.en-de\.de; a pair needs the files"
    ):
        layout.find("train", EN_DE)


def test_a_hyphen_is_an_underscore_and_both_are_too_many(tmp_path: Path) -> None:
    en_pt = Direction("en", "pt_BR")
    layout = layout_of(tmp_path, "train.en", "train.pt-BR")
    assert found(layout, direction=en_pt) == ["train.en", "train.pt-BR"]
    write(tmp_path / "train.pt_BR", ["x"])
    with pytest.raises(
        DataError, match=r"and also .*differ only in a hyphen .*say which code is meant in data\.language"
    ):
        layout.find("train", en_pt)
    chosen = layout_of(tmp_path, language_codes={"pt_BR": "pt-BR"})
    assert found(chosen, direction=en_pt) == ["train.en", "train.pt-BR"]


def test_further_references_are_numbered_without_a_gap(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, "dev.en", "dev.de", "dev.de.1", "dev.de.2.gz", "dev.de.4")
    assert [path.name for path in layout.references(tmp_path / "dev.de")] == ["dev.de.1", "dev.de.2.gz"]
    (note,) = layout.notes
    assert "dev.de.4 is not read: references are dev.de.1, dev.de.2 … without a gap" in note


def test_a_star_takes_all_that_fit_but_hidden_ones_and_copies(tmp_path: Path) -> None:
    names = ["en-de/train/b.tmx", "en-de/train/a.tmx", "en-de/train/.c.tmx", "en-de/train/a.tmx~"]
    layout = layout_of(tmp_path, *names, format="tmx", pattern="{pair}/{split}/*.tmx")
    assert found(layout) == ["en-de/train/a.tmx", "en-de/train/b.tmx"]


def test_a_file_for_everything_is_train_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "odd{name}.tsv", ["en\tde"])
    layout = Layout.of(CorpusConfig(format="tsv", path=path))
    assert found(layout) == ["odd{name}.tsv"]
    assert layout.find("dev", EN_DE) is None
    with pytest.raises(DataError, match=r"is a file, so there is nothing for data\.pattern; name its folder"):
        Layout.of(CorpusConfig(format="tsv", path=path, pattern="{split}.tsv"))


def test_a_folder_that_is_not_there_names_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CORPORA", raising=False)
    with pytest.raises(DataError, match=r"none is not a folder \(seen from .*\); correct data\.path"):
        Layout.of(CorpusConfig(format="moses", path=tmp_path / "none"))
    path: Any = "${CORPORA:-nowhere}/x"
    with pytest.raises(DataError, match=r"set the environment variable CORPORA to where the corpora are, or correct"):
        Layout.of(CorpusConfig(format="moses", path=path))


def test_directions_of_every_two_languages_of_a_group() -> None:
    groups = [{"en", "de"}, {"de", "az", "no code!"}, {"fr"}]
    assert {str(d) for d in directions_among(groups)} == {"en-de", "de-en", "de-az", "az-de"}


def test_names_of_splits() -> None:
    assert split_names(CorpusConfig(), ("valid",)) == {"train": ("train",), "dev": ("dev", "valid"), "test": ("test",)}
    named = CorpusConfig(splits=SplitNames(dev="val"))
    assert split_names(named, ("valid",))["dev"] == ("val",), "a name that is given is the only one"


@pytest.mark.parametrize(("name", "aside"), [("train.en", False), (".train.en", True), ("#x#", True), ("x.en~", True)])
def test_hidden_files_and_copies_are_aside(name: str, aside: bool) -> None:
    assert is_aside(Path("folder") / name) == aside
