"""A prepared corpus on disk: what is read of it, and what is refused."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from catscale.data.direction import Direction
from catscale.data.store.store import Pairs, Store, reference_path, stem, write_store_manifest
from catscale.data.store.token_files import TokenWriter
from catscale.errors import DataError
from catscale.system.writing.manifest import checksum

EN_DE = Direction("en", "de")
SENTENCES = {"source": [[5, 6, 7], [8], [9, 9]], "target": [[4], [5, 5], [6, 7, 8]]}


def write_split(folder: Path, split: str, sentences: dict[str, list[list[int]]] = SENTENCES) -> None:
    for side, ids in sentences.items():
        with TokenWriter(stem(folder, split, EN_DE, side), 100) as writer:
            writer.append(ids)
        if split != "train":
            Path(f"{stem(folder, split, EN_DE, side)}.txt").write_text(
                "".join(f"{side} {n}\n" for n in range(len(ids)))
            )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of a train and a dev split with the same three pairs, without a vocabulary."""
    for split in ("train", "dev"):
        write_split(tmp_path, split)
    content: dict[str, Any] = {
        "fingerprint": "a" * 64,
        "directions": ["en-de"],
        "zero_shot": [],
        "statistics": {"en-de": {"train": {"kept": 3}, "dev": {"kept": 3}}},
        "vocabulary_size": 100,
    }
    write_store_manifest(tmp_path, content, {path.name: checksum(path) for path in tmp_path.iterdir()})
    return tmp_path


def test_names_of_files() -> None:
    assert stem(Path("f"), "dev", EN_DE, "source") == Path("f/dev.en-de.source")
    assert reference_path(Path("f"), "test", EN_DE, 2) == Path("f/test.en-de.reference-2.txt")


def test_pairs_are_what_was_written(folder: Path) -> None:
    store = Store.open(folder)
    pairs = store.split("train", EN_DE)
    assert len(pairs) == 3
    for index in range(3):
        assert pairs.source(index).tolist() == SENTENCES["source"][index]
        assert pairs.target(index).tolist() == SENTENCES["target"][index]
    assert pairs.source_lengths.tolist() == [3, 1, 2]
    assert pairs.target_lengths.tolist() == [1, 2, 3]
    assert pairs.target_tokens == 6
    assert (store.fingerprint, store.directions, store.zero_shot) == ("a" * 64, (EN_DE,), ())


def test_text_is_kept_of_dev_and_not_of_train(folder: Path) -> None:
    store = Store.open(folder)
    assert store.split("dev", EN_DE).source_text() == ["source 0", "source 1", "source 2"]
    assert store.split("dev", EN_DE).target_text() == ["target 0", "target 1", "target 2"]
    with pytest.raises(DataError, match="keeps no text of the train split; ask for dev or test"):
        store.split("train", EN_DE).target_text()


def test_further_references_are_numbered_without_a_gap(folder: Path) -> None:
    for number in (1, 2, 4):
        reference_path(folder, "dev", EN_DE, number).write_text(f"{number}\n\n{number}\n")
    pairs = Store.open(folder).split("dev", EN_DE)
    assert pairs.further_references() == [["1", "", "1"], ["2", "", "2"]]
    reference_path(folder, "dev", EN_DE, 2).write_text("one line\n")
    with pytest.raises(DataError, match=r"dev\.en-de\.reference-2\.txt has 1 lines for 3 pairs\); delete it"):
        pairs.further_references()


def test_a_split_that_is_not_there_is_named_with_those_that_are(folder: Path) -> None:
    store = Store.open(folder)
    assert store.has_split("dev", EN_DE)
    assert not store.has_split("test", EN_DE)
    with pytest.raises(
        DataError, match=r"no test split for en-de .*splits of this direction: train, dev; directions: en"
    ):
        store.split("test", EN_DE)
    with pytest.raises(DataError, match=r"no dev split for de-en .*splits of this direction: none"):
        store.split("dev", Direction("de", "en"))


def test_sides_of_different_length_are_no_pairs(tmp_path: Path) -> None:
    write_split(tmp_path, "train", {"source": [[4], [5]], "target": [[4]]})
    with pytest.raises(DataError, match=r"train\.en-de has 2 sources and 1 targets\); delete it and prepare again"):
        Pairs(tmp_path, "train", EN_DE, 100)


def test_the_manifest_has_its_own_checksum(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    own = manifest.pop("checksum")
    assert own == hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps({**manifest, "vocabulary_size": 101, "checksum": own}))
    with pytest.raises(DataError, match=r"manifest\.json does not match its checksum; delete"):
        Store.open(folder)
    path.write_text(json.dumps({**manifest, "format": 3, "checksum": own}))
    with pytest.raises(DataError, match="has format 3, this version reads 2; delete it and prepare again"):
        Store.open(folder)


def test_damage_of_tokens_is_found_later_and_other_damage_at_once(folder: Path) -> None:
    (folder / "train.en-de.source.ids").write_bytes(b"damage")
    with pytest.raises(DataError, match=r"damaged: .*train\.en-de\.source\.ids"):
        Store.open(folder)
    store = Store.open(folder, at_once=True)
    with pytest.raises(DataError, match=r"damaged: .*train\.en-de\.source\.ids"):
        store.confirm()
    with pytest.raises(DataError, match=r"damaged: .*train\.en-de\.source\.ids"), store.confirming():
        raise ZeroDivisionError("it comes of the damage")
    (folder / "dev.en-de.source.txt").write_text("damage")
    with pytest.raises(DataError, match=r"damaged: .*dev\.en-de\.source\.txt"):
        Store.open(folder, at_once=True)


def test_what_goes_wrong_with_a_sound_store_is_told_as_it_is(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="ours"), Store.open(folder, at_once=True).confirming():
        raise ZeroDivisionError("ours")
