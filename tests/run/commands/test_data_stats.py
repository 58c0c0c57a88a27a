"""What `catscale data stats` finds at a path, and what it says of it."""

import json

import pyarrow
import pyarrow.parquet
import pytest
import yaml

from catscale.corpus_statistics import sources as texts
from catscale.data import DataConfig, prepare
from catscale.errors import ConfigError, DataError
from catscale.run.commands import data_stats as module
from catscale.run.commands.data_stats import Given, describe_corpus, find
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.toy_corpora import sentences, write, write_moses

SIZES = {"train": 40, "dev": 5, "test": 5}


@pytest.fixture
def corpus(tmp_path):
    return write_moses(tmp_path / "corpus", SIZES, ("en", "de", "az"))


@pytest.fixture
def config(tmp_path, corpus):
    data = {"format": "moses", "path": str(corpus), "directions": ["en-de"], "limit": {"en-de": 7}}
    path = tmp_path / "my.yaml"
    path.write_text(yaml.safe_dump({"data": data}))
    return path


@pytest.fixture
def store(tmp_path, corpus):
    data = DataConfig(format="moses", path=corpus, directions=["en-de"], store=tmp_path / "store")
    return prepare(data, SentencePieceSettings(size=150)).folder


def pairs_of(statistics):
    return {
        name: {split: found.pairs for split, found in splits.items()} for name, splits in statistics.directions.items()
    }


def test_a_configuration_is_read_as_training_reads_it(config):
    statistics = describe_corpus(Given(config), 1, lambda line: None)
    assert pairs_of(statistics) == {"en-de": {"train": 7, "dev": 5, "test": 5}}
    assert (statistics.format, statistics.vocabulary, statistics.balance.pairs) == ("moses", None, {"en-de": 7})
    assert statistics.notes == [
        "of en-de the first pairs up to data.limit are read; training takes them after cleaning"
    ]


def test_a_folder_is_read_from_english_and_the_rest_is_told(corpus):
    said: list[str] = []
    statistics = describe_corpus(Given(corpus), 1, said.append)
    assert pairs_of(statistics) == dict.fromkeys(("en-az", "en-de"), SIZES)
    assert statistics.notes == ["pairs of languages that were left out: 1; --directions or --config chooses"]
    assert said[0] == f"{corpus}: moses, 6 files of pairs"
    assert said[-1].startswith("100 pairs read in ")
    chosen = describe_corpus(Given(corpus, directions=["de-az"]), 1, said.append)
    assert pairs_of(chosen) == {"de-az": SIZES}


def test_a_folder_is_read_as_a_configuration_of_another_says(corpus, config, tmp_path):
    other = write_moses(tmp_path / "other", {"train": 3, "dev": 2})
    statistics = describe_corpus(Given(other, config), 1, lambda line: None)
    assert pairs_of(statistics) == {"en-de": {"train": 3, "dev": 2}}


def test_files_of_no_known_name_are_missed_aloud(tmp_path):
    found = find(Given(write_moses(tmp_path, {"train": 3, "val": 2})))
    assert [note.split(";")[0] for note in found.notes] == ["no dev files were found", "no test files were found"]


def test_a_store_and_a_vocabulary_give_pieces(corpus, config, store):
    statistics = describe_corpus(Given(store), 1, lambda line: None)
    assert statistics.format == "token store"
    assert statistics.notes[0].startswith("the text of a token store is what its pieces decode to")
    side = statistics.directions["en-de"]["dev"].source
    for vocabulary in (store, store / "vocabulary", store / "vocabulary" / "sentencepiece.bpe.model"):
        other = describe_corpus(Given(corpus, directions=["en-de"], vocabulary=vocabulary), 1, lambda line: None)
        assert other.directions["en-de"]["dev"].source.pieces == side.pieces
        assert other.vocabulary == str(vocabulary)
    content = yaml.safe_load(config.read_text()) | {"vocabulary": {"path": str(store / "vocabulary")}}
    config.write_text(yaml.safe_dump(content))
    configured = describe_corpus(Given(config), 1, lambda line: None)
    assert configured.directions["en-de"]["dev"].source.pieces == side.pieces


@pytest.mark.parametrize(
    ("replace", "lacks", "splits", "which"),
    [
        (False, "nothing", ["train", "dev", "test"], " where the files have none"),
        (False, "test", ["train", "dev"], " where the files have none"),
        (True, "nothing", ["train"], ""),
    ],
)
def test_splits_that_will_be_made_from_train_are_told(config, corpus, replace, lacks, splits, which):
    for path in corpus.glob(f"{lacks}*"):
        path.unlink()
    content = yaml.safe_load(config.read_text())
    content["data"] |= {"holdout": {"dev": 3, "test": 3, "replace": replace}, "limit": {}}
    config.write_text(yaml.safe_dump(content))
    statistics = describe_corpus(Given(config), 1, lambda line: None)
    assert pairs_of(statistics) == {"en-de": {split: SIZES[split] for split in splits}}
    assert statistics.notes == [
        f"data.holdout takes dev and test from train{which}; the figures of train are those before"
    ]


def test_progress_is_told_in_a_log(corpus, monkeypatch):
    monkeypatch.setattr(module, "NEWS", -1.0)
    monkeypatch.setattr(texts, "BLOCK_PAIRS", 20)
    said: list[str] = []
    describe_corpus(Given(corpus), 1, said.append)
    assert "100 pairs read, 6 of 6 files done" in said
    assert any(line.endswith("pairs read, 4 of 6 files done") for line in said)


def test_mistakes(corpus, config, store, tmp_path):
    with pytest.raises(
        DataError, match=r"nowhere does not exist .*; name a configuration, a token store, a corpus folder or a"
    ):
        find(Given(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"is a file and --config names another"):
        find(Given(config, config))
    for name, value in {"config": config, "vocabulary": store, "directions": ["en-de"]}.items():
        with pytest.raises(ConfigError, match=f"is a token store, .* leave out --{name}"):
            find(Given(store, **{name: value}))
    with pytest.raises(ConfigError, match=r"--directions: a direction is two language codes joined by a hyphen"):
        find(Given(corpus, directions=["ende"]))
    with pytest.raises(DataError, match=r"no train split for en-fr .* train data exists for .*en-az, en-de; add"):
        find(Given(corpus, directions=["en-fr"]))
    with pytest.raises(DataError, match=r"is no readable SentencePiece model"):
        find(Given(corpus, vocabulary=config))
    with pytest.raises(ConfigError, match=r"is not valid YAML|must hold keys"):
        find(Given(write(tmp_path / "x.txt", ["just: [text"])))


@pytest.mark.parametrize("name", ["x.tsv", "x.tsv.gz", "x.jsonl", "x.tmx", "x.xlf", "x.parquet"])
def test_a_file_of_pairs_is_a_corpus(tmp_path, name):
    pairs = list(zip(sentences("en", 7), sentences("de", 7), strict=True))
    unit = '<tu><tuv xml:lang="en"><seg>{}</seg></tuv><tuv xml:lang="de"><seg>{}</seg></tuv></tu>'
    content = {
        "x.tsv": ["en\tde\turl", *(f"{a}\t{b}\thttp://a.b/c" for a, b in pairs)],
        "x.jsonl": [json.dumps({"en": a, "de": b, "n": 1}) for a, b in pairs],
        "x.tmx": ["<tmx><body>", *(unit.format(a, b) for a, b in pairs), "</body></tmx>"],
        "x.xlf": [
            '<xliff version="1.2"><file source-language="en" target-language="de">',
            *(f"<trans-unit><source>{a}</source><target>{b}</target></trans-unit>" for a, b in pairs),
            "</file></xliff>",
        ],
    }
    if name == "x.parquet":
        table = pyarrow.table({"en": [a for a, _ in pairs], "de": [b for _, b in pairs]})
        pyarrow.parquet.write_table(table, tmp_path / name)
    else:
        write(tmp_path / name, content[name.removesuffix(".gz")])
    statistics = describe_corpus(Given(tmp_path / name), 1, lambda line: None)
    assert pairs_of(statistics) == {"en-de": {"train": 7}}


def test_a_file_of_one_language(tmp_path):
    with pytest.raises(DataError, match=r"x\.tsv has no pair of languages; .*x\.tsv holds en, note"):
        find(Given(write(tmp_path / "x.tsv", ["en\tnote", "a\tb"])))
