"""Building a store: the line that says what happened to a split, and what is refused or left out."""

from pathlib import Path
from typing import Any

import pytest

from catscale.data import DataConfig, Direction
from catscale.data.corpora.corpus import Corpus
from catscale.data.preparation.builder import Builder, describe
from catscale.data.preparation.cleaning import Counts
from catscale.data.preparation.work_folder import WorkFolder
from catscale.data.store.store import Store
from catscale.errors import DataError
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.toy_corpora import write, write_moses

EN_DE = Direction("en", "de")


def counts(read: int, met: int = 0, **dropped: int) -> dict[str, Any]:
    """Return what is known of a split, of which `met` pairs were met in dev or test."""
    found = Counts(read=read, overlap=met)
    found.dropped.update(dropped)
    return found.to_json()


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (counts(1234), "en-de train: 1,234 pairs read, 1,234 kept"),
        (counts(9, empty=1, duplicate=2), "en-de train: 9 pairs read, 6 kept (empty 1, duplicate 2)"),
        (counts(9, met=3), "en-de train: 9 pairs read, 9 kept (overlap with dev or test 3, kept)"),
        (counts(9, met=3, overlap=3), "en-de train: 9 pairs read, 6 kept (overlap 3)"),
    ],
)
def test_a_line_tells_what_happened(found: dict[str, Any], line: str) -> None:
    assert describe("train", EN_DE, found) == line


def test_a_line_tells_the_origin_and_what_the_vocabulary_lacks() -> None:
    pieces = {"source_tokens": 100, "target_tokens": 100, "source_unknown": 7, "target_unknown": 0}
    line = describe("dev", EN_DE, counts(5) | pieces, " (made from train)")
    assert line.startswith("en-de dev (made from train): 5 pairs read, 5 kept; ")
    assert "7" in line.partition(";")[2]


def builder_of(root: Path, work: Path, said: list[str], **changes: Any) -> Builder:
    given: dict[str, Any] = {"format": "moses", "path": root, "directions": ["en-de"], "store": work.parent / "store"}
    corpus = Corpus(DataConfig(**given | changes))
    return Builder(WorkFolder(work), corpus, SentencePieceSettings(size=80), 1, said.append)


def test_a_store_is_built_of_tasks(tmp_path: Path) -> None:
    root, said = write_moses(tmp_path / "c", {"train": 60, "dev": 4}), list[str]()
    folder = builder_of(root, tmp_path / "work", said).build("0" * 64)
    assert folder == tmp_path / "work" / "store"
    store = Store.open(folder)
    assert (store.fingerprint, store.directions, store.zero_shot) == ("0" * 64, (EN_DE,), ())
    assert {split: found["kept"] for split, found in store.statistics["en-de"].items()} == {"train": 60, "dev": 4}
    assert store.vocabulary.languages == ("de", "en")
    assert any(line.startswith("en-de train: 60 pairs read, 60 kept") for line in said)


def test_what_is_built_is_not_built_again(tmp_path: Path) -> None:
    root, said = write_moses(tmp_path / "c", {"train": 60, "dev": 4}), list[str]()
    builder_of(root, tmp_path / "work", said).build("0" * 64)
    for path in root.iterdir():
        if path.name.startswith("train"):
            write(path, ["changed"])
    again = Store.open(builder_of(root, tmp_path / "work", said).build("1" * 64))
    assert again.statistics["en-de"]["train"]["kept"] == 60
    assert sum("training 80 pieces" in line for line in said) == 1


def test_a_split_without_pairs_is_refused(tmp_path: Path) -> None:
    root = write_moses(tmp_path / "c", {"train": 60, "dev": 4})
    builder = builder_of(root, tmp_path / "work", [], cleaning={"max_length": 1})
    with pytest.raises(DataError, match=r"no pair is left in the train split of en-de .*read 60, dropped too_long 60"):
        builder.build("0" * 64)


def test_a_direction_of_one_sentence_is_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    for language in ("en", "de"):
        write(tmp_path / "c" / f"train.{language}", ["one sentence"] * 3)
    builder = builder_of(tmp_path / "c", tmp_path / "work", said, holdout={"dev": 1, "test": 1})
    with pytest.raises(
        DataError, match=r"no direction is left under .*data\.holdout needs two source sentences of one"
    ):
        builder.build("0" * 64)
    assert "en-de is left out: of its one source sentence data.holdout can make no dev split" in said
