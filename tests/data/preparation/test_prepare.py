import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from catscale.data import DataConfig, Direction, HoldoutConfig, Store, prepare
from catscale.data.preparation.builder import Builder
from catscale.data.preparation.fingerprint import HashCache
from catscale.data.preparation.prepare import find_prepared
from catscale.errors import CatscaleError, DataError
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.toy_corpora import real, sentences, write, write_moses
from tests.unchecked import unchecked

VOCABULARY = SentencePieceSettings(size=150)
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
    said: list[str] = []
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


def test_a_store_is_found_without_a_trace(corpus, store, tmp_path):
    there = config(corpus, store.folder.parent)
    before = {path: path.stat().st_mtime_ns for path in store.folder.parent.iterdir()}
    assert find_prepared(there, VOCABULARY) == store.folder
    assert find_prepared(there, SentencePieceSettings(size=151)) is None
    assert find_prepared(there.model_copy(update={"path": Path("-"), "format": "tsv"}), VOCABULARY) is None
    assert find_prepared(config(corpus, tmp_path / "elsewhere"), VOCABULARY) is None
    assert {path: path.stat().st_mtime_ns for path in store.folder.parent.iterdir()} == before
    assert not (tmp_path / "elsewhere").exists()


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
    found.add(prepare(config(corpus, tmp_path / "s"), SentencePieceSettings(size=140)).fingerprint)
    found.add(prepare(config(tmp_path / "more", tmp_path / "s"), VOCABULARY).fingerprint)
    assert len(found) == 8


def test_holdout_and_limit(tmp_path):
    write_moses(tmp_path / "c", {"train": 300})
    made = config(tmp_path / "c", tmp_path / "s", holdout=HoldoutConfig(dev=20, test=25), limit={"en-de": 60})
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
    store = prepare(
        config(tmp_path / "c", tmp_path / "s", cleaning={"drop_overlap": drop}), SentencePieceSettings(size=90)
    )
    report = store.statistics["en-de"]["train"]
    assert (report["kept"], report["overlap"]) == (kept, 5)
    assert not store.has_split("test", EN_DE)


def test_pieces_decide_what_is_too_long_or_empty(tmp_path):
    write_moses(tmp_path / "c", {"train": 50, "dev": 5})
    for language, line in (("en", "\u200b"), ("de", "x")):
        for split in ("train", "dev"):
            write(tmp_path / "c" / f"{split}.{language}", [*sentences(language, 50), line])
        write(tmp_path / "c" / f"train.{language}", [*sentences(language, 50), line, "qwertzuiopü" * 2])
    store = prepare(config(tmp_path / "c", tmp_path / "s", cleaning={"max_length": 20}), SentencePieceSettings(size=90))
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
        prepare(config(root, tmp_path / "s", cleaning=rules), SentencePieceSettings(size=size))
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


def forge(folder, change):
    """Change a manifest and give it the right checksum, as whoever makes one by hand would."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["checksum"]
    change(manifest)
    text = json.dumps(manifest, sort_keys=True)
    path.write_text(json.dumps(manifest | {"checksum": hashlib.sha256(text.encode()).hexdigest()}))


IDS = "train.en-de.source.ids"
SUM = {"bytes": 3, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(directions=["en-a/../../x"]), "directions.0: a language's code has letters"),
        (lambda m: m.update(directions="en-de"), "directions: input should be a valid list"),
        (lambda m: m.update(zero_shot=[1]), "zero_shot.0: input should be a valid string"),
        (lambda m: m.update(vocabulary_size=-1), "vocabulary_size: input should be greater"),
        (lambda m: m.update(vocabulary_size=True), "vocabulary_size: input should be a valid integer"),
        (lambda m: m.update(fingerprint="../x"), "fingerprint: string should match"),
        (lambda m: m.update(statistics=[]), "statistics: must hold keys"),
        (lambda m: m["statistics"].update({"x": {}}), "statistics.x.*two language codes"),
        (lambda m: m["statistics"]["en-de"].update({"../test": {}}), "input should be 'train', 'dev' or 'test'"),
        (
            lambda m: m["statistics"]["en-de"]["train"].update(kept=-3),
            "statistics.en-de.train.kept: input should be",
        ),
        (lambda m: m["files"].update({"../x": SUM}), "a file of a store lies in its folder or in vocabulary/"),
        (lambda m: m["files"].update({"vocabulary/../x": SUM}), "a file of a store lies in its folder"),
        (lambda m: m["files"].update({"a": 3}), "files.a: must hold keys, found 3"),
        (lambda m: m["files"].pop(IDS), f"files does not list {IDS}"),
        (lambda m: m.pop("statistics"), "statistics: field required"),
        (lambda m: m.update(format="2"), "format: input should be a valid integer"),
    ],
)
def test_a_manifest_that_somebody_made(store, tmp_path, change, message):
    folder = shutil.copytree(store.folder, tmp_path / "made")
    forge(folder, lambda manifest: manifest.update(newer=[1]))
    assert Store.open(folder).directions == store.directions
    forge(folder, change)
    with pytest.raises(DataError, match=rf"no token store \(manifest\.json: .*{message}.*delete it and prepare"):
        Store.open(folder)


@pytest.mark.timeout(30)
def test_a_store_that_lists_a_pipe(store, tmp_path):
    folder = shutil.copytree(store.folder, tmp_path / "made")
    size = (folder / IDS).stat().st_size
    (folder / IDS).unlink()
    os.mkfifo(folder / IDS)
    with pytest.raises(DataError, match=r"the token store is damaged: .*source\.ids"):
        Store.open(folder)
    forge(folder, lambda manifest: manifest["files"][IDS].update(bytes=0))
    assert size
    with pytest.raises(DataError, match=r"source\.ids cannot be read: it is a pipe, not a regular file"):
        Store.open(folder)


def test_hashes_are_remembered_by_what_tells_a_file_from_another(tmp_path):
    file, cache = write(tmp_path / "x", ["a"]), HashCache(tmp_path / "h.json")
    first = cache.hash(file)
    time.sleep(0.01)
    os.utime(file, (1, 1))
    status = file.stat()
    known = {str(file): [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, "remembered"]}
    (tmp_path / "h.json").write_text(json.dumps(known))
    assert HashCache(tmp_path / "h.json").hash(file) == "remembered"
    os.replace(write(tmp_path / "y", ["b"]), file)
    os.utime(file, (1, 1))  # the same size and time
    assert len({first, "remembered", HashCache(tmp_path / "h.json").hash(file)}) == 3
    (tmp_path / "h.json").write_text(json.dumps({str(file): [2, 1_000_000_000, "of version 0.1"]}))
    assert len(HashCache(tmp_path / "h.json").hash(file)) == 64
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
    given = SentencePieceSettings(path=store.folder / "vocabulary")
    again = prepare(config(corpus, tmp_path / "s"), given)
    assert unchecked(again.vocabulary).model == unchecked(store.vocabulary).model


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
    store = prepare(ted, SentencePieceSettings(size=2000))
    assert len(store.split("dev", Direction("az", "en"))) == 671
    assert store.statistics["en-az"]["train"]["read"] == 5946


@pytest.mark.parametrize("is_same_text", [False, True])
def test_a_file_that_is_replaced_between_hash_and_reading(tmp_path, monkeypatch, is_same_text):
    """With its size and its time: the fingerprint of one text must not name the tokens of another."""
    write_moses(tmp_path / "c", {"train": 60, "dev": 5})
    file, build = tmp_path / "c" / "train.de", Builder.build
    status, content = file.stat(), file.read_bytes()

    def replace(self, name):
        other = tmp_path / "other"
        other.write_bytes(content if is_same_text else content.replace(b"Katze", b"Tatze"))
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.replace(other, file)
        return build(self, name)

    monkeypatch.setattr(Builder, "build", replace)
    asked = config(tmp_path / "c", tmp_path / "s")
    if is_same_text:
        assert len(prepare(asked, VOCABULARY).split("train", EN_DE)) == 60
        return
    with pytest.raises(
        DataError, match=r"train\.de was changed or replaced while it was read; .* run the command again"
    ):
        prepare(asked, VOCABULARY)
    assert [path.name for path in (tmp_path / "s").iterdir() if path.is_dir()] == []
    monkeypatch.undo()
    assert len(prepare(asked, VOCABULARY).split("train", EN_DE)) == 60


def lengthen(line):
    """With a word of more pieces than 24, as no other line has its letters."""
    return f"{line} {hashlib.sha256(line.encode()).hexdigest()}"


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_limit_counts_pairs_whose_pieces_fit(tmp_path, jobs):
    """Every third of the first 60 has a word of too many pieces: others beyond the limit stand in their place."""
    for language in ("en", "de"):
        lines = [lengthen(line) if n % 3 == 0 and n < 60 else line for n, line in enumerate(sentences(language, 100))]
        write(tmp_path / "c" / f"train.{language}", lines)
        write(tmp_path / "c" / f"dev.{language}", sentences(language, 5, 200))
    asked = config(tmp_path / "c", tmp_path / "s", cleaning={"max_length": 24}, limit={"en-de": 50})
    store = prepare(asked, SentencePieceSettings(size=110), jobs=jobs)
    report, train = store.statistics["en-de"]["train"], store.split("train", EN_DE)
    kept = [line for n, line in enumerate(sentences("en", 100)) if n % 3 or n >= 60]
    assert store.vocabulary.decode([train.source(n) for n in range(len(train))]) == kept[:50]
    assert (report["read"], report["kept"], report["dropped"]["too_long"]) == (100, 50, 20)
    assert report["dropped"]["limit"] == 30
    assert report["source_tokens"] == int(train.source_lengths.sum())


def test_a_limit_that_the_corpus_cannot_fill(tmp_path):
    for language in ("en", "de"):
        lines = [lengthen(line) if n >= 30 else line for n, line in enumerate(sentences(language, 60))]
        write(tmp_path / "c" / f"train.{language}", lines)
        write(tmp_path / "c" / f"dev.{language}", sentences(language, 5, 200))
    asked = config(tmp_path / "c", tmp_path / "s", cleaning={"max_length": 24}, limit={"en-de": 40})
    report = prepare(asked, SentencePieceSettings(size=110)).statistics["en-de"]["train"]
    assert (report["read"], report["kept"], report["dropped"]["too_long"], report["dropped"]["limit"]) == (
        60,
        30,
        30,
        0,
    )


def write_rows(root, split, rows):
    """A table of English, German and Azerbaijani, in which a cell may be empty."""
    write(root / f"{split}.tsv", ["en\tde\taz", *map("\t".join, rows)])


def test_held_out_are_only_the_splits_that_a_direction_lacks(tmp_path):
    english, german, other = (sentences(language, 100) for language in ("en", "de", "az"))
    write_rows(tmp_path / "c", "train", zip(english[:60], german[:60], other[:60], strict=True))
    write_rows(tmp_path / "c", "dev", [(a, b, "") for a, b in zip(english[60:70], german[60:70], strict=True)])
    write(
        tmp_path / "c" / "test.tsv",
        ["en\taz", *(f"{a}\t{b}" for a, b in zip(english[70:80], other[70:80], strict=True))],
    )
    said: list[str] = []
    asked = config(tmp_path / "c", tmp_path / "s", format="tsv", directions=["en-de", "en-az"])
    asked = asked.model_copy(update={"holdout": HoldoutConfig(dev=4, test=5)})
    store = prepare(asked, VOCABULARY, said.append)
    texts = {(s, str(d)): store.split(s, d).source_text() for d in store.directions for s in ("dev", "test")}
    assert (texts["dev", "en-de"], texts["test", "en-az"]) == (english[60:70], english[70:80])
    assert (len(texts["test", "en-de"]), len(texts["dev", "en-az"])) == (5, 4)
    assert {*texts["test", "en-de"], *texts["dev", "en-az"]} <= {*english[:60]}
    assert "en-de dev (of the files): 10 pairs read, 10 kept" in "\n".join(said)
    assert "en-az dev (made from train): 4 pairs read, 4 kept" in "\n".join(said)
    replaced = asked.model_copy(update={"holdout": HoldoutConfig(dev=4, test=5, replace=True)})
    assert len(prepare(replaced, VOCABULARY).split("dev", EN_DE)) == 4


def test_a_language_of_one_pair_does_not_end_the_preparation(tmp_path):
    english, german, other = (sentences(language, 100) for language in ("en", "de", "az"))
    rows = [(a, b, "") for a, b in zip(english[:60], german[:60], strict=True)]
    write_rows(tmp_path / "c", "train", [*rows, (english[99], "", other[99])])
    asked = config(
        tmp_path / "c",
        tmp_path / "s",
        format="tsv",
        directions=["en-de", "en-az"],
        holdout=HoldoutConfig(dev=4, test=5),
    )
    said: list[str] = []
    store = prepare(asked, VOCABULARY, said.append)
    assert store.directions == (EN_DE,)
    assert any(line.startswith("en-az is left out: of its one source sentence") for line in said)
    assert store.vocabulary.languages == ("de", "en")
    alone = config(
        tmp_path / "c", tmp_path / "s", format="tsv", directions=["en-az"], holdout=HoldoutConfig(dev=4, test=5)
    )
    with pytest.raises(DataError, match=r"no direction is left .* data\.holdout needs two source sentences"):
        prepare(alone, VOCABULARY)


def test_two_pairs_are_one_of_dev_and_one_of_train(tmp_path):
    english, german, other = (sentences(language, 100) for language in ("en", "de", "az"))
    rows = [(a, b, "") for a, b in zip(english[:60], german[:60], strict=True)]
    write_rows(tmp_path / "c", "train", [*rows, *((english[n], "", other[n]) for n in (98, 99))])
    asked = config(
        tmp_path / "c",
        tmp_path / "s",
        format="tsv",
        directions=["en-de", "en-az"],
        holdout=HoldoutConfig(dev=4, test=5),
    )
    store = prepare(asked, SentencePieceSettings(size=150, max_unknown=1))
    kept = {split: store.statistics["en-az"][split]["kept"] for split in store.statistics["en-az"]}
    assert kept == {"train": 1, "dev": 1}


def test_a_direction_whose_sentences_are_all_held_out_for_another(tmp_path):
    """The only English sentences of en-az are dev and test of en-de."""
    asked = config(
        tmp_path / "c",
        tmp_path / "s",
        format="tsv",
        directions=["en-de", "en-az"],
        holdout=HoldoutConfig(dev=4, test=5),
    )
    english, german, other = (sentences(language, 100) for language in ("en", "de", "az"))
    rows = [(a, b, "") for a, b in zip(english[:60], german[:60], strict=True)]
    write_rows(tmp_path / "c", "train", rows)
    first = prepare(asked.model_copy(update={"directions": ["en-de"]}), VOCABULARY)
    held = [*first.split("dev", EN_DE).source_text(), *first.split("test", EN_DE).source_text()]
    write_rows(tmp_path / "c", "train", [*rows, *((line, "", other[80 + n]) for n, line in enumerate(held))])
    said: list[str] = []
    assert prepare(asked, VOCABULARY, said.append).directions == (EN_DE,)
    assert "en-az is left out: data.holdout holds out all its sentences, for it or other directions" in said


def test_a_direction_without_any_pair_in_dev_says_how_to_go_on(tmp_path):
    """A column of train that dev lacks, such as the output of a machine, which has a language's name."""
    rows = zip(sentences("en", 30), sentences("de", 30), strict=True)
    lines = [json.dumps({"en": a, "de": b, "mt": f"some {b}"}) for a, b in rows]
    write(tmp_path / "c" / "train.jsonl", lines)
    write(tmp_path / "c" / "dev.jsonl", [json.dumps({"en": "a", "de": "b"})])
    data = DataConfig(format="jsonl", path=tmp_path / "c", source="en", targets="all", store=tmp_path / "s")
    with pytest.raises(DataError, match=r"the dev split under .* has no pair of en-mt; .*data\.targets .*holdout"):
        prepare(data, SentencePieceSettings(size=100))


@pytest.mark.slow
def test_dozens_of_directions(tmp_path):
    """Each has its tag, its splits and its own text."""
    joined = "afamarazbebgbnbrbscacscydaeleoeseteufafigaglguhahehihrhuhyid"
    codes = [joined[place : place + 2] for place in range(0, len(joined), 2)]
    for code in codes:
        for split, lines in (("train", 12), ("dev", 3)):
            write(tmp_path / "c" / f"{split}.en-{code}.en", sentences("en", lines))
            write(tmp_path / "c" / f"{split}.en-{code}.{code}", [f"{code} {line}" for line in sentences("de", lines)])
    several = config(tmp_path / "c", tmp_path / "store", directions=None, source="en", targets="all")
    store = prepare(several, VOCABULARY, lambda line: None)
    assert [direction.target for direction in store.directions] == sorted(codes)
    assert len({store.vocabulary.tag(code) for code in codes}) == len(codes)
    for direction in store.directions:
        assert len(store.split("train", direction)) == 12
        assert store.split("dev", direction).target_text()[0].startswith(f"{direction.target} ")


@pytest.mark.parametrize("name", ["test.de.2", "test.de.02", "test.de.0", "test.de.3.gz"])
def test_a_reference_that_is_not_read_is_named(tmp_path, name):
    corpus = write_moses(tmp_path / "c", {"train": 30, "dev": 5, "test": 5})
    write(corpus / name, sentences("de", 5))
    said: list[str] = []
    data = DataConfig(format="moses", path=corpus, directions=["en-de"], store=tmp_path / "s")
    store = prepare(data, SentencePieceSettings(size=90), said.append)
    assert [line for line in said if name in line] == [
        f"note: {corpus / name} is not read: references are test.de.1, test.de.2 … without a gap, and test.de.0 only "
        "where there is no test.de"
    ]
    assert store.split("test", store.directions[0]).further_references() == []


def test_references_lose_the_lines_that_their_pairs_lose(tmp_path):
    """Among them a pair of which the normalisation leaves nothing, which is known only when it is cut."""
    corpus = write_moses(tmp_path / "c", {"train": 60, "dev": 5, "test": 6})
    lines = (corpus / "test.de").read_text().splitlines()
    for number, line in ((1, ""), (3, "\ufffd"), (4, "\u061c")):
        lines[number] = line
    write(corpus / "test.de", lines)
    write(corpus / "test.de.1", [f"other {n}" for n in range(6)])
    data = DataConfig(format="moses", path=corpus, directions=["en-de"], store=tmp_path / "s")
    found = prepare(data, SentencePieceSettings(size=90, normalisation="nmt_nfkc")).split("test", Direction("en", "de"))
    assert found.target_text() == [lines[n] for n in (0, 2, 5)]
    assert found.further_references() == [["other 0", "other 2", "other 5"]]
