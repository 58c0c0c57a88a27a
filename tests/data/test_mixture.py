from typing import Any

import pytest

from catscale.data import CleaningConfig, DataConfig, HoldoutConfig, prepare
from catscale.data.corpora.corpus import Corpus
from catscale.data.corpus_config import CorpusPart
from catscale.data.direction import Direction
from catscale.data.preparation.fingerprint import relevant_settings
from catscale.errors import ConfigError, DataError
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.toy_corpora import sentences, write, write_jsonl, write_moses

EN_DE, EN_AZ = Direction("en", "de"), Direction("en", "az")
BOTH: dict[str, Any] = {"directions": ["en-de", "en-az"]}


@pytest.fixture
def parts(tmp_path):
    """Aligned files of en and de; a table of en and az; records of both pairs."""
    write_moses(tmp_path / "m", {"train": 4, "dev": 2, "test": 2})
    table = ["az\ten", *(f"{b}\t{a}" for a, b in zip(sentences("en", 3), sentences("az", 3), strict=True))]
    for split in ("train", "dev"):
        write(tmp_path / "t" / f"{split}.tsv", table)
    records = [{"en": "r1", "de": "r2"}, {"en": "r3", "az": "r4"}]
    for split in ("train", "dev", "test"):
        write_jsonl(tmp_path / "j" / f"{split}.jsonl", records)
    return {
        "moses": {"format": "moses", "path": tmp_path / "m"},
        "tsv": {"format": "tsv", "path": tmp_path / "t"},
        "jsonl": {"format": "jsonl", "path": tmp_path / "j"},
    }


def corpus_of(*parts, **settings):
    return Corpus(DataConfig(corpora=list(parts), **(settings or BOTH)))


def test_train_is_all_of_them_in_order_and_dev_the_first_that_has_it(parts):
    corpus = corpus_of(parts["moses"], parts["tsv"], parts["jsonl"])
    moses, table = (
        list(zip(sentences("en", n), sentences(lang, n), strict=True)) for n, lang in ((4, "de"), (3, "az"))
    )
    assert list(corpus.pairs("train", EN_DE)) == [*moses, ("r1", "r2")]
    assert list(corpus.pairs("train", EN_AZ)) == [*table, ("r3", "r4")]
    assert next(corpus.pairs("dev", EN_DE)) == (sentences("en", 1, 4)[0], sentences("de", 1, 4)[0])
    assert list(corpus.pairs("dev", EN_AZ)) == table
    assert list(corpus.pairs("test", EN_AZ)) == [("r3", "r4")]
    turned = corpus_of(parts["jsonl"], parts["moses"], parts["tsv"])
    assert list(turned.pairs("train", EN_DE)) == [("r1", "r2"), *moses]
    assert list(turned.pairs("dev", EN_AZ)) == [("r3", "r4")]
    assert [path.name for path in corpus.files("train", EN_DE)] == ["train.en", "train.de", "train.jsonl"]


def test_a_direction_is_found_in_any_of_them(parts):
    corpus = corpus_of(parts["moses"], parts["tsv"], source="en", targets="all")
    assert [str(d) for d in corpus.directions] == ["en-az", "en-de"]
    with pytest.raises(DataError, match=r"no train split for en-fr under .*m, .*t \(looked for .*; train data exists"):
        _ = corpus_of(parts["moses"], parts["tsv"], directions=["en-fr"]).directions


def test_the_splits_that_are_taken(parts):
    corpus = corpus_of(
        parts["moses"] | {"use": ["train"]}, parts["jsonl"] | {"use": ["dev", "test"]}, directions=["en-de"]
    )
    assert len(list(corpus.pairs("train", EN_DE))) == 4
    assert list(corpus.pairs("dev", EN_DE)) == [("r1", "r2")]
    with pytest.raises(DataError, match=r"no dev split for en-az .*train data exists for"):
        _ = corpus_of(parts["tsv"] | {"use": ["train"]}, parts["moses"], directions=["en-az"]).directions
    with pytest.raises(
        DataError,
        match=r"no train split for en-de .*looked for nothing.*no train data were found: no corpus is used for train",
    ):
        _ = corpus_of(parts["moses"] | {"use": ["dev"]}, directions=["en-de"]).directions


def test_limits_of_a_part(parts):
    limited = corpus_of(parts["moses"] | {"limit": {"en-de": 1}}, parts["jsonl"], directions=["en-de"])
    assert len(list(limited.pairs("train", EN_DE))) == 2
    assert len(list(limited.pairs("dev", EN_DE))) == 2
    with pytest.raises(DataError, match=r"data\.corpora\.1\.limit names en-fr, which is not trained"):
        _ = corpus_of(parts["moses"], parts["jsonl"] | {"limit": {"en-fr": 2}}, directions=["en-de"]).directions


def test_a_fault_in_a_part_is_not_taken_for_a_missing_direction(parts):
    (parts["jsonl"]["path"] / "train.jsonl").write_bytes(b"\xff\n")
    with pytest.raises(DataError, match=r"train\.jsonl, line 1 is not valid UTF-8"):
        _ = corpus_of(parts["moses"], parts["jsonl"], directions=["en-de"]).directions


def test_the_store_of_a_mixture(tmp_path):
    write_moses(tmp_path / "a", {"train": 60, "dev": 5})
    write_moses(tmp_path / "b", {"train": 80})
    parts = [{"format": "moses", "path": tmp_path / "a"}, {"format": "moses", "path": tmp_path / "b"}]

    def store(corpora, **settings):
        config = DataConfig(corpora=corpora, directions=["en-de"], store=tmp_path / "s", **settings)
        return prepare(config, SentencePieceSettings(size=100))

    both = store(parts)
    counts = both.statistics["en-de"]["train"]
    assert (counts["read"], counts["kept"], counts["dropped"]["duplicate"]) == (140, 80, 60)
    assert (counts["overlap"], len(both.split("dev", EN_DE))) == (5, 5)
    names = {both.fingerprint, store(parts[::-1]).fingerprint, store(parts[:1]).fingerprint}
    names |= {store([parts[0], parts[1] | {"limit": {"en-de": 70}}]).fingerprint}
    names |= {store([parts[0] | {"use": ["dev"]}, parts[1]]).fingerprint}
    assert len(names) == 5
    assert store([parts[0], parts[1] | {"use": ["train"]}]).fingerprint == both.fingerprint  # it has nothing else


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "give format and path, or corpora: a list of"),
        ({"corpora": []}, "at least 1 item"),
        ({"corpora": [{"path": "x"}]}, r"each corpus of data\.corpora needs its format"),
        ({"corpora": [{"format": "moses"}]}, "give path, the corpus' folder"),
        ({"corpora": [{"format": "moses", "path": "x", "use": []}]}, "at least 1 item"),
        (
            {"corpora": [{"format": "moses", "path": "x"}], "path": "y", "pattern": "{lang}"},
            "path and pattern belong to",
        ),
        (
            {"corpora": [{"format": "tsv", "path": "-"}, {"format": "tsv", "path": "-"}]},
            "only one of the corpora can be",
        ),
        ({"corpora": [{"format": "moses", "path": "x", "store": "y"}]}, r"DataConfig\.corpora\.0\.store: unknown key"),
    ],
)
def test_wrong_mixtures_are_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        DataConfig(**settings, **BOTH)


def tags_of(store, direction=EN_DE):
    """The tag of each train pair by its source, None for none."""
    names = {number: name for name, number in store.vocabulary.corpus_tags.items()}
    pairs = store.split("train", direction)
    ids = [pairs.source(n).tolist() for n in range(len(pairs))]
    texts = store.vocabulary.decode(ids)
    return {text: names.get(found[0]) for text, found in zip(texts, ids, strict=True)}


def tagged_parts(root):
    """Two pairs alike in all three corpora, and some of each one's own."""
    write_moses(root / "plain", {"train": 20, "dev": 2, "test": 2})
    for name, own in (("bt", 30), ("bible", 60)):
        for language in ("en", "de"):
            write(root / name / f"train.{language}", [*sentences(language, 2), *sentences(language, 10, own)])
    return [
        {"format": "moses", "path": root / "bt", "use": ["train"], "tag": "bt"},
        {"format": "moses", "path": root / "plain"},
        {"format": "moses", "path": root / "bible", "tag": "bible", "use": ["train"]},
    ]


def test_each_pair_keeps_the_tag_of_its_corpus_and_of_the_first_where_it_stands_in_two(tmp_path, monkeypatch):
    monkeypatch.setattr("catscale.data.preparation.tasks.SHARD", 7)
    config = DataConfig(corpora=tagged_parts(tmp_path), directions=["en-de"], store=tmp_path / "store")
    said: list[str] = []
    store = prepare(config, SentencePieceSettings(size=70), said.append)
    expected = dict.fromkeys(sentences("en", 20)) | dict.fromkeys([*sentences("en", 2), *sentences("en", 10, 30)], "bt")
    assert tags_of(store) == expected | dict.fromkeys(sentences("en", 10, 60), "bible")
    assert "vocabulary: 75 embeddings for de, en, <bt>, <bible>" in said
    dev = store.split("dev", EN_DE)
    assert not {*store.vocabulary.corpus_tags.values()} & {i for n in range(2) for i in dev.source(n).tolist()}


def test_what_takes_the_place_of_long_pairs_has_its_tag(tmp_path):
    first, last, second = tagged_parts(tmp_path)
    config = DataConfig(
        corpora=[first, second, last], directions=["en-de"], store=tmp_path / "store", limit={"en-de": 13},
        cleaning=CleaningConfig(max_length=12),
    )  # fmt: skip
    found = tags_of(prepare(config, SentencePieceSettings(size=70)))  # twelve of bt come first, of which some are long
    origins = dict.fromkeys(sentences("en", 10, 60), "bible") | dict.fromkeys(sentences("en", 20))
    origins |= dict.fromkeys([*sentences("en", 2), *sentences("en", 10, 30)], "bt")
    assert len(found) == 13
    assert list(found.values()).count("bible") > 1
    assert found == {text: origins[text] for text in found}


def test_dev_is_not_made_of_what_is_tagged_and_for_train_alone(tmp_path):
    config = DataConfig(
        corpora=tagged_parts(tmp_path), directions=["en-de"], store=tmp_path / "store",
        holdout=HoldoutConfig(dev=2, test=2, replace=True),
    )  # fmt: skip
    store = prepare(config, SentencePieceSettings(size=70))
    assert {*store.split("dev", EN_DE).source_text(), *store.split("test", EN_DE).source_text()} <= {
        *sentences("en", 20)
    }


def test_a_store_without_tags_has_the_fingerprint_that_it_had(tmp_path):
    corpora: Any = [{key: value for key, value in part.items() if key != "tag"} for part in tagged_parts(tmp_path)]
    config = DataConfig(corpora=corpora, directions=["en-de"])
    assert all(not {"tag", "directions"} & set(part) for part in relevant_settings(config)["corpora"])
    tagged = DataConfig(corpora=tagged_parts(tmp_path), directions=["en-de"])
    assert [part.get("tag") for part in relevant_settings(tagged)["corpora"]] == ["bt", None, "bible"]


@pytest.mark.parametrize("tag", ["BT", "", "s", "mask", "a b", "<bt>", "x" * 33, "1a"])
def test_names_that_are_no_tags(tmp_path, tag):
    with pytest.raises(ConfigError, match="a tag has letters from a to z, digits, _ and -"):
        CorpusPart(format="moses", path=tmp_path, tag=tag)
