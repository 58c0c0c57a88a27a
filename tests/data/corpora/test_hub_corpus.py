import os
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from catscale.data import DataConfig, Direction, prepare
from catscale.data.config import CorpusPart, HoldoutConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.corpora.hub_corpus import HubCorpus
from catscale.data.corpora.hub_dataset import HubDataset
from catscale.errors import ConfigError, DataError
from catscale.vocabulary.training import SentencePieceSettings
from tests.unchecked import unchecked

datasets = pytest.importorskip("datasets", reason="datasets is not installed: pip install 'catscale[datasets]'")

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No network, and nothing written outside of the test's folder."""
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_MODULES_CACHE", str(tmp_path / "modules"))


def card(*names):
    """The head of a README that lists the configurations, as datasets on the Hub have it."""
    lines = ["---", "configs:"]
    for name in names:
        lines += [f"- config_name: {name}", "  data_files:"]
        lines += [f"  - {{split: {split}, path: {name}/{split}-*}}" for split in ("train", "validation", "test")]
    return "\n".join([*lines, "---", ""])


def write_dataset(root, pairs=("en-de", "az-en")):
    for pair in pairs:
        a, b = pair.split("-")
        (root / pair).mkdir(parents=True)
        for split in ("train", "validation", "test"):
            rows = [{a: f"{split} {a} {n}", b: f"{b}\n{n}"} for n in range(3)] + [{a: "x", b: None}]
            table = datasets.Dataset.from_dict({"translation": rows})
            table.to_parquet(str(root / pair / f"{split}-00000-of-00001.parquet"))
    (root / "README.md").write_text(card(*pairs))
    return root


def corpus_of(path, **settings):
    return Corpus(DataConfig(**{"format": "hf", "path": path, "sources": "all", "targets": "all"} | settings))


def test_a_configuration_a_pair(tmp_path):
    root = write_dataset(tmp_path / "set")
    corpus = corpus_of(root)
    assert [str(d) for d in corpus.directions] == ["az-en", "de-en", "en-az", "en-de"]
    forward, backward = corpus.directions[3], corpus.directions[1]
    assert list(corpus.pairs("train", forward)) == [
        *((f"train en {n}", f"de {n}") for n in range(3)),
        ("x", ""),  # a null is counted as an empty side
    ]
    assert next(corpus.pairs("dev", backward)) == ("de 0", "validation en 0")
    assert corpus.has_split("test", forward)
    assert {path.suffix for path in corpus.files("train", forward)} == {".parquet", ".md"}


def test_names_of_configurations_and_codes(tmp_path):
    root = write_dataset(tmp_path / "set", ("eng-deu",))
    corpus = corpus_of(root, name="{source}-{target}", language_codes={"en": "eng", "de": "deu"})
    assert [str(d) for d in corpus.directions] == ["de-en", "en-de"]
    assert next(corpus.pairs("test", corpus.directions[1])) == ("test eng 0", "deu 0")
    with pytest.raises(DataError, match=r"looked for the split train of a configuration all, either .* are eng-deu\)"):
        _ignored = corpus_of(root, name="all", sources=None, targets=None, directions=["en-de"]).directions


def test_the_only_configuration_of_another_pair_is_not_taken(tmp_path):
    root = write_dataset(tmp_path / "set", ("en-de",))
    with pytest.raises(DataError, match=r"no train split for en-fr .*exists for de-en, en-de[;,]"):
        _ignored = corpus_of(root, sources=None, targets=None, directions=["en-fr"]).directions


def test_one_configuration_of_many_languages(tmp_path):
    (tmp_path / "set").mkdir()
    for split in ("train", "dev"):
        lines = ['{"en": "a\\u2028", "de": "b", "fr": "c", "id": 1}', '{"en": "d", "de": null, "fr": "e", "id": 2}']
        (tmp_path / "set" / f"{split}.jsonl").write_text("\n".join(lines))
    corpus = corpus_of(tmp_path / "set")
    assert [str(d) for d in corpus.directions] == ["de-en", "de-fr", "en-de", "en-fr", "fr-de", "fr-en"]
    assert list(corpus.pairs("train", corpus.directions[2])) == [("a\u2028", "b"), ("d", "")]
    assert list(corpus.pairs("dev", corpus.directions[3])) == [("a\u2028", "c"), ("d", "e")]
    with pytest.raises(DataError, match=r"set, row 1 holds 1 where a text is needed; fix the row"):
        list(
            corpus_of(tmp_path / "set", sources=None, targets=None, directions=["en-id"]).pairs(
                "train", Direction("en", "id")
            )
        )


def test_what_save_to_disk_wrote(tmp_path):
    table = datasets.Dataset.from_dict({"translation": [{"en": "a", "de": "b"}]})
    datasets.DatasetDict({"train": table, "validation": table}).save_to_disk(str(tmp_path / "splits"))
    corpus = corpus_of(tmp_path / "splits")
    assert [str(d) for d in corpus.directions] == ["de-en", "en-de"]
    assert list(corpus.pairs("dev", corpus.directions[1])) == [("a", "b")]
    table.save_to_disk(str(tmp_path / "train"))
    single = corpus_of(tmp_path / "train", holdout=HoldoutConfig(dev=1, test=1))
    assert list(single.pairs("train", single.directions[0])) == [("b", "a")]


def test_scripts_and_pickles_are_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "set.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'sprung')!r})\n")
    for name in ("train.pkl", "train.pickle"):
        (tmp_path / "set" / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError, match=r"cannot read the dataset .*set: "):
        _ignored = corpus_of(tmp_path / "set").directions
    assert not (tmp_path / "sprung").exists()


def test_kinds_that_are_not_plain_are_refused(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.txt").write_text("a\n")
    with pytest.raises(DataError, match=r"of the kind 'text'; parquet, json, csv, arrow are read: convert it"):
        _ignored = corpus_of(tmp_path / "set").directions


def test_damaged_data_are_a_user_s_error(tmp_path):
    root = write_dataset(tmp_path / "set")
    (root / "en-de" / "train-00000-of-00001.parquet").write_bytes(b"PAR1 nothing PAR1")
    corpus = corpus_of(root, sources=None, targets=None, directions=["en-de"])
    with pytest.raises(DataError, match=r"cannot read the dataset .*set: .*; check data\.path, data\.name and"):
        list(corpus.pairs("train", corpus.directions[0]))


def test_splits_of_different_columns_are_told(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_text('{"en": "a", "de": "b"}\n')
    (tmp_path / "set" / "validation.jsonl").write_text('{"en": "a", "de": "b", "fr": "c"}\n')
    corpus = corpus_of(tmp_path / "set", sources=None, targets=None, directions=["en-de"])
    with pytest.raises(DataError, match="Couldn't cast because column names don't match; check"):
        list(corpus.pairs("dev", corpus.directions[0]))


class Hub:
    """The Hub's answers, without it; counts what it is asked."""

    def __init__(self):
        self.asked = []

    def dataset_info(self, name, revision):
        self.asked.append((name, revision))
        if revision == "gone":
            raise RuntimeError("404 Client Error\nRevision Not Found")
        return SimpleNamespace(sha=SHA)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The name some/set on the Hub stands for a folder, and every question must name the commit."""
    import huggingface_hub

    root, hub = str(write_dataset(tmp_path / "hub")), Hub()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    for name in ("get_dataset_config_names", "get_dataset_split_names", "load_dataset_builder"):
        original = getattr(datasets, name)

        def answer(path, *rest, revision, original=original):
            assert (path, revision) == ("some/set", SHA)
            return original(root, *rest)

        monkeypatch.setattr(datasets, name, answer)
    return hub


def test_a_name_on_the_hub_is_read_at_one_commit(hub):
    corpus = corpus_of("some/set", revision="main")
    assert [str(d) for d in corpus.directions] == ["az-en", "de-en", "en-az", "en-de"]
    assert next(corpus.pairs("train", corpus.directions[3])) == ("train en 0", "de 0")
    assert corpus.inputs("dev", corpus.directions[3]) == (f"some/set@{SHA}:en-de:validation",)
    assert corpus.files("dev", corpus.directions[3]) == ()
    assert hub.asked == [("some/set", "main")]


def test_a_commit_needs_no_question_and_a_wrong_revision_is_named(hub):
    assert HubDataset(Path("some/set"), SHA).revision == SHA
    assert hub.asked == []
    with pytest.raises(DataError, match=r"cannot read the dataset some/set: 404 Client Error; check data\.path"):
        _ignored = corpus_of("some/set", revision="gone").directions


@pytest.mark.parametrize("path", ["/nowhere/at/all", "a/b/c"])
def test_neither_folder_nor_name(path):
    with pytest.raises(DataError, match=r"neither a folder .* nor a name on the Hub such as Helsinki-NLP/opus-100"):
        HubCorpus(CorpusPart(format="hf", path=path))


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ConfigError, match=r"hf needs the package datasets .*pip install 'catscale\[datasets\]'"):
        _ignored = corpus_of(tmp_path).directions


def test_a_store_in_the_dataset_s_own_folder_is_refused(tmp_path, monkeypatch):
    root = write_dataset(tmp_path / "set")
    monkeypatch.chdir(root)
    given: dict[str, Any] = {"format": "hf", "path": ".", "directions": ["en-de"]}
    for inside in ("prepared", root / "a" / "b", root / "x" / ".." / "prepared"):
        with pytest.raises(ConfigError, match=r"whose files it would be one of; give data\.store another folder"):
            prepare(DataConfig(**given, store=unchecked(inside)), SentencePieceSettings(size=100))
    for outside in ("../prepared", ".prepared"):  # what is hidden is not part of the dataset
        with pytest.raises(DataError, match="vocabulary"):  # the corpus is too small, which is found later
            prepare(DataConfig(**given, store=unchecked(outside)), SentencePieceSettings(size=5000))
