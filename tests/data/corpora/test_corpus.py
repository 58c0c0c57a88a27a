import json
import pickle

import pytest

from catscale.data import DataConfig
from catscale.data.config import HoldoutConfig
from catscale.data.corpora.corpus import Corpus
from catscale.errors import DataError
from tests.data.toy_corpora import real, sentences, write, write_jsonl, write_moses
from tests.unchecked import unchecked

LAYOUTS = {
    "opus100": "supervised/{pair}/opus.{pair}-{split}.{lang}",
    "opus100-direct": "{pair}/opus.{pair}-{split}.{lang}",
    "opus100-pair": "opus.{pair}-{split}.{lang}",
    "moses": "{pair}/{split}.{pair}.{lang}",
    "moses-flat": "{split}.{pair}.{lang}",
    "moses-folder": "{pair}/{split}.{lang}",
    "moses-packed": "{pair}/{split}.{lang}.gz",
    "moses-multiparallel": "{split}.{lang}",
    "tsv": "{split}.tsv",
    "tsv-folder": "{pair}/{split}.tsv.gz",
    "tsv-name": "{split}.{pair}.tsv",
    "jsonl": "{split}.jsonl",
    "jsonl-folder": "{pair}/{split}.jsonl",
    "jsonl-name": "{split}.{pair}.jsonl.gz",
}


def lay_out(root, kind, pair):
    """Write train and dev of de and en in a layout; returns what must be read as (en, de)."""
    english, german = sentences("en", 5), sentences("de", 5)
    for split in ("train", "dev"):
        names = {lang: LAYOUTS[kind].format(split=split, pair=pair, lang=lang) for lang in ("en", "de")}
        if kind.startswith("tsv"):
            write(root / names["en"], ["de\ten", *map("\t".join, zip(german, english, strict=True))])
        elif kind.startswith("jsonl"):
            write_jsonl(root / names["en"], [{"en": a, "de": b} for a, b in zip(english, german, strict=True)])
        else:
            write(root / names["en"], english)
            write(root / names["de"], german)
    return list(zip(english, german, strict=True))


@pytest.mark.parametrize("kind", LAYOUTS)
@pytest.mark.parametrize("pair", ["en-de", "de-en"])
def test_each_layout_both_directions(tmp_path, kind, pair):
    expected = lay_out(tmp_path, kind, pair)
    corpus = Corpus(DataConfig(format=kind.split("-")[0], path=tmp_path, sources="all", targets="all"))
    forward, backward = corpus.directions[1], corpus.directions[0]
    assert [str(d) for d in (forward, backward)] == ["en-de", "de-en"]
    assert list(corpus.pairs("train", forward)) == expected
    assert list(corpus.pairs("dev", backward)) == [(b, a) for a, b in expected]
    assert not corpus.has_split("test", forward)


@pytest.mark.parametrize("name", ["en-de/{split}.json", "{split}.en-de.json", "{split}.json"])
def test_json_lines_may_end_in_json(tmp_path, name):
    for split in ("train", "dev"):
        record = json.dumps({"translation": {"en": f"{split} a", "de": f"{split} b"}})
        write(tmp_path / name.format(split=split), [record])
    corpus = Corpus(DataConfig(format="jsonl", path=tmp_path, source="en", targets="all"))
    assert [str(direction) for direction in corpus.directions] == ["en-de"]
    assert list(corpus.pairs("dev", corpus.directions[0])) == [("dev a", "dev b")]


def test_pattern_and_codes(tmp_path):
    for split in ("train", "dev"):
        for code, language in (("aze", "az"), ("eng", "en")):
            write(tmp_path / "aze_eng" / f"ted-{split}.orig.{code}", sentences(language, 3))
    config = {
        "format": "moses",
        "path": tmp_path,
        "pattern": "{target}_{source}/ted-{split}.orig.{lang}",
        "language_codes": {"az": "aze", "en": "eng"},
    }
    for given in ({"directions": ["en-az"]}, {"source": "en", "targets": "all"}):
        corpus = Corpus(DataConfig(**config, **given))
        assert [str(d) for d in corpus.directions] == ["en-az"]
        assert next(iter(corpus.pairs("train", corpus.directions[0]))) == (sentences("en", 1)[0], sentences("az", 1)[0])


@pytest.mark.parametrize("columns", [{"en": 1, "de": 0}, {"en": "English", "de": "German"}])
def test_columns(tmp_path, columns):
    header = [] if columns["en"] == 1 else ["German\tEnglish"]
    for split in ("train", "dev"):
        write(tmp_path / f"{split}.tsv", [*header, "b\ta"])
    corpus = Corpus(DataConfig(format="tsv", path=tmp_path, columns=columns, source="en", targets="all"))
    assert list(corpus.pairs("train", corpus.directions[0])) == [("a", "b")]


def test_a_pattern_with_a_star_takes_every_file_that_fits(tmp_path):
    for split in ("train", "dev"):
        for name in ("b.part", "a.part"):
            write_jsonl(tmp_path / f"en-de/{split}/{name}.jsonl.gz", [{"en": f"{split} {name}", "de": "x"}])
    corpus = Corpus(
        DataConfig(format="jsonl", path=tmp_path, pattern="{pair}/{split}/*.jsonl", sources="all", targets="all")
    )
    assert [str(d) for d in corpus.directions] == ["de-en", "en-de"]
    assert list(corpus.pairs("train", corpus.directions[1])) == [("train a.part", "x"), ("train b.part", "x")]
    assert [path.name for path in corpus.files("dev", corpus.directions[0])] == ["a.part.jsonl.gz", "b.part.jsonl.gz"]


def test_it_travels_to_another_process(tmp_path):
    lay_out(tmp_path, "jsonl", "en-de")
    write_moses(tmp_path / "m", {"train": 3, "dev": 3})
    parts = [{"format": "jsonl", "path": tmp_path}, {"format": "moses", "path": tmp_path / "m"}]
    corpus = Corpus(DataConfig(corpora=unchecked(parts), source="en", targets="all"))
    travelled = pickle.loads(pickle.dumps((corpus, corpus.directions)))[0]
    assert travelled.directions == corpus.directions
    assert list(travelled.pairs("train", corpus.directions[0])) == list(corpus.pairs("train", corpus.directions[0]))


def corpus_of(path, **changes):
    return Corpus(DataConfig(**{"format": "moses", "path": path, "directions": ["en-de"]} | changes))


def test_missing_folder(tmp_path):
    with pytest.raises(DataError, match=r"data\.path .*nowhere is not a folder"):
        corpus_of(tmp_path / "nowhere")


def test_language_without_data(tmp_path):
    write_moses(tmp_path, {"train": 3, "dev": 3}, ("en", "de", "az"))
    with pytest.raises(DataError, match=r"no train split for en-dk .*exists for .*en-az, en-de \(nearest: en-de\)"):
        _ = corpus_of(tmp_path, directions=["en-dk"]).directions
    with pytest.raises(DataError, match=r"no direction from \['xx'\] to any language has train data"):
        _ = corpus_of(tmp_path, directions=None, source="xx", targets="all").directions


def test_a_file_that_is_passed_over_for_its_fault_is_named(tmp_path):
    write_moses(tmp_path, {"train": 3, "dev": 3})
    write(tmp_path / "train.en-gl.tsv", ["a house\tunha casa"])
    parts = unchecked([{"format": name, "path": tmp_path} for name in ("moses", "tsv")])
    with pytest.raises(DataError, match=r"train\.en-gl\.tsv has no column 'en' in its header, which is: a house, unha"):
        _ = Corpus(DataConfig(corpora=parts, directions=["en-de", "en-gl"])).directions
    with pytest.raises(DataError, match=rf"no train split for en-az under {tmp_path} \(looked for"):
        _ = Corpus(DataConfig(corpora=parts, directions=["en-az"])).directions


def test_no_train_split_at_all(tmp_path):
    write_moses(tmp_path, {"dev": 3})
    with pytest.raises(
        DataError, match=r"no train file has one of the names .*train\.{lang}; there are dev\.de, dev\.en;"
    ):
        _ = corpus_of(tmp_path).directions


def test_no_dev_split_suggests_holdout(tmp_path):
    write_moses(tmp_path, {"train": 3})
    with pytest.raises(DataError, match=r"no dev split for en-de .*data\.splits.*data\.holdout: \{dev: 500"):
        _ = corpus_of(tmp_path).directions
    assert corpus_of(tmp_path, holdout=HoldoutConfig(dev=1, test=0)).directions


def test_one_language_of_a_pair_is_missing(tmp_path):
    write(tmp_path / "en-de" / "train.en", ["a"])
    with pytest.raises(DataError, match=r"train\.en has no counterpart en-de/train\.de"):
        _ = corpus_of(tmp_path).directions


def test_limit_of_another_direction(tmp_path):
    write_moses(tmp_path, {"train": 3, "dev": 3})
    with pytest.raises(DataError, match=r"data\.limit names en-fr, which is not trained; directions: en-de"):
        _ = corpus_of(tmp_path, limit={"en-fr": 3}).directions


@pytest.mark.parametrize(
    ("name", "settings", "directions", "pairs"),
    [
        ("tatoeba", {"format": "opus100"}, 15, 766),
        ("tatoeba/supervised", {"format": "opus100"}, 15, 766),
        ("multi30k/data/task1/raw", {"format": "moses", "splits": {"dev": "val"}}, 3, 29_000),
        ("wmt-news", {"format": "moses"}, 10, 1464),
        ("ted/cmu11731/data", {"format": "moses", "pattern": "{split}.en-{target}.{lang}.txt"}, 3, 5169),
    ],
)
def test_real_corpora(name, settings, directions, pairs):
    corpus = Corpus(DataConfig(path=real(name), source="en", targets="all", **settings))
    assert len(corpus.directions) == directions
    chosen = [d for d in corpus.directions if d.target in ("gl", "de", "et", "be")]
    assert min(sum(1 for _ in corpus.pairs("train", d)) for d in chosen[:2] + chosen[-1:]) == pairs


def test_a_pattern_without_split_is_train_alone(tmp_path):
    for language in ("en", "de"):
        write(tmp_path / f"all.{language}", sentences(language, 30))
    corpus = corpus_of(tmp_path, pattern="all.{lang}", holdout=HoldoutConfig(dev=2, test=0))
    assert not any(corpus.has_split(split, corpus.directions[0]) for split in ("dev", "test"))
    with pytest.raises(DataError, match="no dev split for en-de"):
        _ = corpus_of(tmp_path, pattern="all.{lang}", holdout=HoldoutConfig(dev=0, test=2)).directions


def test_an_index_for_one_language_only(tmp_path):
    for split in ("train", "dev"):
        write(tmp_path / f"{split}.tsv", ["b\ta"])
    corpus = corpus_of(tmp_path, format="tsv", columns={"en": 1})
    with pytest.raises(DataError, match=r"data\.columns gives an index for en and none for de"):
        corpus.pairs("train", corpus.directions[0])


def test_a_language_named_twice_is_one_direction(tmp_path):
    write_moses(tmp_path, {"train": 3, "dev": 3})
    corpus = corpus_of(tmp_path, directions=None, source="en", targets=["de", "de"])
    assert [str(d) for d in corpus.directions] == ["en-de"]


def test_a_variable_s_default_that_leads_nowhere_names_the_variable(tmp_path, monkeypatch):
    monkeypatch.delenv("SOME_CORPORA", raising=False)
    config = DataConfig(format="moses", path=unchecked("${SOME_CORPORA:-nowhere}/tatoeba"), directions=["en-az"])
    with pytest.raises(DataError, match=r"set the environment variable SOME_CORPORA to where .* or correct data\.path"):
        Corpus(config)
    monkeypatch.setenv("SOME_CORPORA", str(tmp_path / "gone"))
    config = DataConfig(format="moses", path=unchecked("${SOME_CORPORA:-nowhere}/tatoeba"), directions=["en-az"])
    with pytest.raises(DataError, match=r"gone/tatoeba is not a folder \(seen from [^;]*\); correct data\.path$"):
        Corpus(config)
