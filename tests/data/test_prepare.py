import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from corpora import real, sentences, write, write_moses

from catscale.data import DataConfig, Direction, Store, VocabularyConfig, prepare
from catscale.data.fingerprint import HashCache
from catscale.errors import CatscaleError, DataError

VOCABULARY = VocabularyConfig(size=150)
EN_DE = Direction("en", "de")


def config(path, store, **changes):
    return DataConfig(**{"format": "moses", "path": path, "directions": ["en-de"], "store": store} | changes)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Train of 100 (one duplicate, one empty), dev of 10 with odd lines, test of 5."""
    root = write_moses(tmp_path_factory.mktemp("corpus"), {"train": 98, "dev": 9, "test": 5})
    for language in ("en", "de"):
        train = (root / f"train.{language}").read_text().split("\n")[:-1]
        write(root / f"train.{language}", [*train, train[3], "" if language == "en" else "x"])
        dev = (root / f"dev.{language}").read_text().split("\n")[:-1]
        write(root / f"dev.{language}", [*dev, " the\u2028 cat \x0b " + "\r" + " "])
    return root


@pytest.fixture(scope="module")
def store(corpus, tmp_path_factory):
    said = []
    store = prepare(config(corpus, tmp_path_factory.mktemp("store")), VOCABULARY, said.append)
    assert "en-de train: 100 pairs read, 98 kept (empty 1, duplicate 1)" in said
    return store


def test_the_store_holds_the_corpus(corpus, store):
    assert store.directions == (EN_DE,)
    for split, size in (("train", 98), ("dev", 10), ("test", 5)):
        pairs = store.split(split, EN_DE)
        lines = [(corpus / f"{split}.{lang}").read_bytes().decode().split("\n")[:size] for lang in ("en", "de")]
        assert len(pairs) == size
        for side, of, lengths in (
            (0, pairs.source, pairs.source_lengths),
            (1, pairs.target, pairs.target_lengths),
        ):
            ids = store.vocabulary.encode(lines[side])
            assert [of(i).tolist() for i in range(size)] == ids
            assert lengths.tolist() == [len(line) for line in ids]
            assert of(0).dtype == np.uint16
        if split != "train":
            assert [pairs.source_text(), pairs.target_text()] == lines
    report = store.statistics["en-de"]["train"]
    assert (report["read"], report["kept"], report["dropped"]["duplicate"]) == (100, 98, 1)
    assert report["source_tokens"] == store.split("train", EN_DE).source_lengths.sum()


def test_what_is_not_there(store):
    with pytest.raises(DataError, match=r"no train split for de-en .*this direction: none; directions: en-de"):
        store.split("train", Direction("de", "en"))
    with pytest.raises(DataError, match="keeps no text of the train split"):
        store.split("train", EN_DE).source_text()
    with pytest.raises(DataError, match="keeps no text of the train split"):
        store.split("train", EN_DE).target_text()


def test_again_and_elsewhere_it_is_the_same_store(corpus, store, tmp_path, monkeypatch):
    elsewhere = shutil.copytree(corpus, tmp_path / "elsewhere")
    start = time.perf_counter()
    again = prepare(config(elsewhere, store.folder.parent), VOCABULARY)
    assert time.perf_counter() - start < 1
    assert again.folder == store.folder
    other = prepare(config(corpus, tmp_path / "other"), VOCABULARY)
    names = [p.relative_to(store.folder) for p in store.folder.rglob("*") if p.is_file()]
    assert all((other.folder / name).read_bytes() == (store.folder / name).read_bytes() for name in names)
    assert {p.name for p in (tmp_path / "other").iterdir()} <= {store.folder.name, ".lock", ".hashes.json"}


def test_what_matters_changes_the_fingerprint(corpus, store, tmp_path):
    found = {store.fingerprint}
    write(shutil.copytree(corpus, tmp_path / "more") / "test.de", sentences("de", 5))
    for change in (
        {"cleaning": {"drop_duplicates": False}},
        {"limit": {"en-de": 90}},
        {"cleaning": {"max_ratio": 8}},
        {"directions": ["de-en"]},
        {"holdout": {"dev": 5, "test": 5}},
    ):
        found.add(prepare(config(corpus, tmp_path / "s", **change), VOCABULARY).fingerprint)
    found.add(prepare(config(corpus, tmp_path / "s"), VocabularyConfig(size=140)).fingerprint)
    found.add(prepare(config(tmp_path / "more", tmp_path / "s"), VOCABULARY).fingerprint)
    assert len(found) == 8


def test_holdout_and_limit(tmp_path):
    write_moses(tmp_path / "c", {"train": 300})
    made = config(tmp_path / "c", tmp_path / "s", holdout={"dev": 20, "test": 25}, limit={"en-de": 60})
    store = prepare(made, VOCABULARY)
    report = store.statistics["en-de"]
    assert [report[split]["kept"] for split in ("train", "dev", "test")] == [60, 20, 25]
    assert (report["train"]["dropped"]["overlap"], report["train"]["dropped"]["limit"]) == (45, 195)
    held = {*store.split("dev", EN_DE).source_text(), *store.split("test", EN_DE).source_text()}
    train = store.split("train", EN_DE)
    assert held.isdisjoint(store.vocabulary.decode([train.source(i) for i in range(60)]))


@pytest.mark.parametrize(("drop", "kept"), [("auto", 50), (False, 50), (True, 45)])
def test_overlap_with_the_files_splits(tmp_path, drop, kept):
    write_moses(tmp_path / "c", {"train": 50})
    for language in ("en", "de"):
        write(tmp_path / "c" / f"dev.{language}", sentences(language, 5))
    store = prepare(config(tmp_path / "c", tmp_path / "s", cleaning={"drop_overlap": drop}), VocabularyConfig(size=90))
    report = store.statistics["en-de"]["train"]
    assert (report["kept"], report["overlap"]) == (kept, 5)
    assert not store.has_split("test", EN_DE)


def test_pieces_decide_what_is_too_long_or_empty(tmp_path):
    write_moses(tmp_path / "c", {"train": 50, "dev": 5})
    for language, line in (("en", "\u200b"), ("de", "x")):
        for split in ("train", "dev"):
            write(tmp_path / "c" / f"{split}.{language}", [*sentences(language, 50), line])
        write(tmp_path / "c" / f"train.{language}", [*sentences(language, 50), line, "qwertzuiopü" * 2])
    store = prepare(config(tmp_path / "c", tmp_path / "s", cleaning={"max_length": 20}), VocabularyConfig(size=90))
    assert store.statistics["en-de"]["train"]["dropped"] | {"duplicate": 0} == {
        "empty": 1, "too_long": 1, "length_ratio": 0, "duplicate": 0, "overlap": 0, "limit": 0
    }  # fmt: skip
    assert len(store.split("dev", EN_DE).source_text()) == len(store.split("dev", EN_DE)) == 50


@pytest.mark.parametrize("fault", ["misaligned", "empty", "utf8", "vocabulary", "nothing left"])
def test_a_fault_leaves_nothing_behind(corpus, tmp_path, fault):
    root, size, rules = shutil.copytree(corpus, tmp_path / "c"), 150, {}
    if fault == "misaligned":
        write(root / "dev.de", ["x"] * 9)
    elif fault == "empty":
        (root / "test.de").write_bytes(b"")
    elif fault == "utf8":
        (root / "train.de").write_bytes(b"\xff\n" * 100)
    elif fault == "vocabulary":
        size = 5000
    else:
        rules = {"max_length": 1}
    message = {
        "misaligned": r"dev\.en has 10 lines and .*dev\.de has 9",
        "empty": r"test\.de is empty",
        "utf8": r"train\.de, line 1 is not valid UTF-8",
        "vocabulary": "size 5,000 is larger than the training text allows",
        "nothing left": r"no pair is left in the train split of en-de .*read 100, dropped empty 1, too_long 99",
    }[fault]
    with pytest.raises(DataError, match=message):
        prepare(config(root, tmp_path / "s", cleaning=rules), VocabularyConfig(size=size))
    assert {p.name for p in (tmp_path / "s").iterdir()} <= {".lock"}


def test_unwritable_store(corpus, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CatscaleError, match=r"cannot create the token store .*choose another folder"):
        prepare(config(corpus, tmp_path / "file" / "store"), VOCABULARY)


def test_damage_is_seen(store, tmp_path):
    name = "train.en-de.source.ids"
    cut = shutil.copytree(store.folder, tmp_path / "cut")
    os.truncate(cut / name, 10)
    with pytest.raises(DataError, match=rf"damaged: .*{name} has 10 bytes instead of .*delete .*cut and prepare again"):
        Store.open(cut)
    (cut / name).unlink()
    with pytest.raises(DataError, match=rf"{name} is missing"):
        Store.open(cut)
    manifest = json.loads((cut / "manifest.json").read_text())
    (cut / "manifest.json").write_text(json.dumps(manifest | {"format": 0}))
    with pytest.raises(DataError, match="has format 0, this version reads 2"):
        Store.open(cut)
    (cut / "manifest.json").write_text(json.dumps(manifest | {"vocabulary_size": 151}))
    with pytest.raises(DataError, match=r"damaged: .*manifest\.json does not match its checksum; delete .*cut and"):
        Store.open(cut)
    (cut / "manifest.json").write_text("[]")
    with pytest.raises(DataError, match="cut is no token store"):
        Store.open(cut)


def test_hashes_are_remembered_by_size_and_time(tmp_path):
    file, cache = write(tmp_path / "x", ["a"]), HashCache(tmp_path / "h.json")
    os.utime(file, (1, 1))
    first = cache.hash(file)
    cache.save()
    write(file, ["b"])
    os.utime(file, (1, 1))  # the same size and time: the cache cannot know
    assert HashCache(tmp_path / "h.json").hash(file) == first
    os.utime(file, (2, 2))
    assert HashCache(tmp_path / "h.json").hash(file) != first
    with pytest.raises(DataError, match=r"cannot read .*gone"):
        cache.hash(tmp_path / "gone")


@pytest.mark.parametrize("content", ["{", "5", "[1]"])
def test_a_damaged_memory_of_hashes_counts_as_empty(tmp_path, content):
    (tmp_path / "h.json").write_text(content)
    assert len(HashCache(tmp_path / "h.json").hash(write(tmp_path / "x", ["a"]))) == 64


def test_a_file_just_written_is_not_remembered(tmp_path):
    cache = HashCache(tmp_path / "h.json")
    cache.hash(write(tmp_path / "x", ["a"]))
    cache.save()
    assert not (tmp_path / "h.json").exists()


def test_an_existing_vocabulary(corpus, store, tmp_path):
    given = VocabularyConfig(path=store.folder / "vocabulary")
    assert prepare(config(corpus, tmp_path / "s"), given).vocabulary.model == store.vocabulary.model


def test_the_import_is_light():
    program = "import sys, catscale.data; print({'torch', 'transformers', 'sentencepiece'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "set()"


def test_real_ted(tmp_path):
    root = real("ted") / "ted_raw"
    ted = config(
        root,
        tmp_path,
        pattern="{target}_{source}/ted-{split}.orig.{lang}",
        language_codes={"az": "aze", "en": "eng"},
        directions=["en-az", "az-en"],
    )
    store = prepare(ted, VocabularyConfig(size=2000))
    assert len(store.split("dev", Direction("az", "en"))) == 671
    assert store.statistics["en-az"]["train"]["read"] == 5946
