import pytest

from catscale.data import DataConfig, Direction, prepare
from catscale.data.corpora.corpus import Corpus
from catscale.errors import ConfigError, DataError
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.toy_corpora import sentences, write, write_jsonl, write_moses

EN_DE, EN_AZ, DE_AZ, AZ_DE = (Direction.parse(name) for name in ("en-de", "en-az", "de-az", "az-de"))


@pytest.fixture
def opus(tmp_path):
    """OPUS-100's layout: en with az and de for training, az with de for testing alone, and a stranger."""
    root = tmp_path / "opus-100"
    for language in ("az", "de"):
        a, b = sorted(("en", language))
        for split, count, start in (("train", 60, 0), ("dev", 6, 70), ("test", 6, 80)):
            for code in (a, b):
                write(root / f"supervised/{a}-{b}/opus.{a}-{b}-{split}.{code}", sentences(code, count, start))
    for pair in ("az-de", "de-nl"):
        for code in pair.split("-"):
            words = sentences(code, 8, 56) if code != "nl" else ["x"] * 8
            write(root / f"zero-shot/{pair}/opus.{pair}-test.{code}", words)
    return root


def config(path, **settings):
    given = {"format": "opus100", "path": path, "source": "en", "targets": "all", "zero_shot": "all"}
    return DataConfig(**given | settings)


def test_all_are_those_between_trained_languages_that_have_a_test_split(opus):
    corpus = Corpus(config(opus))
    assert corpus.directions == (EN_AZ, EN_DE)
    assert corpus.zero_shot == (AZ_DE, DE_AZ)
    assert corpus.zero_shot_parts == [("test", AZ_DE), ("test", DE_AZ)]
    assert Corpus(config(opus, zero_shot=["de-az"])).zero_shot == (DE_AZ,)
    assert Corpus(config(opus, zero_shot=None)).zero_shot == ()
    assert list(corpus.pairs("test", DE_AZ)) == list(zip(sentences("de", 8, 56), sentences("az", 8, 56), strict=True))


def test_a_table_of_many_languages(tmp_path):
    for split in ("train", "dev", "test"):
        lines = [{"en": "a", "de": "b"}, {"en": "c", "az": "d"}]
        lines += [{"de": "e", "az": "f"}] if split == "test" else []
        write_jsonl(tmp_path / f"{split}.jsonl", lines)
    corpus = Corpus(config(tmp_path, format="jsonl"))
    assert corpus.zero_shot_parts == [("test", AZ_DE), ("test", DE_AZ)]
    assert Corpus(config(tmp_path, format="jsonl", source=None, targets=None, directions=["en-az"])).zero_shot == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["en-de"], "names en-de, which is trained; leave it out there, or here"),
        (["de-nl"], r"names de-nl, and no trained direction has nl: .* the trained ones are az, de, en"),
        (["xx-yy"], "no trained direction has xx or yy"),
        (["de-en"], None),
        (["az-en", "de-az"], None),
    ],
)
def test_which_can_be_named(opus, names, message):
    corpus = Corpus(config(opus, zero_shot=names))
    if message is None:
        assert [str(d) for d in corpus.zero_shot] == names
        return
    with pytest.raises(DataError, match=message):
        _ = corpus.zero_shot


def test_a_test_split_is_needed(tmp_path):
    write_moses(tmp_path, {"train": 9, "dev": 3})
    with pytest.raises(DataError, match=r"no test split for de-en under .*; add the files"):
        _ = Corpus(config(tmp_path, format="moses", zero_shot=["de-en"])).zero_shot


@pytest.mark.parametrize("names", [[], ["de-az", "de-az"], ["deaz"], "some"])
def test_wrong_lists_are_refused(names):
    with pytest.raises(ConfigError, match="zero_shot"):
        config("x", zero_shot=names)


def test_the_store_has_them_apart_and_their_sentences_are_held_out(opus, tmp_path):
    vocabulary = SentencePieceSettings(size=150)
    with_them = prepare(config(opus, store=tmp_path / "s", cleaning={"drop_overlap": True}), vocabulary)
    without = prepare(config(opus, store=tmp_path / "s", cleaning={"drop_overlap": True}, zero_shot=None), vocabulary)
    assert with_them.fingerprint != without.fingerprint
    assert with_them.directions == without.directions == (EN_AZ, EN_DE)
    assert (with_them.zero_shot, without.zero_shot) == ((AZ_DE, DE_AZ), ())
    pairs = with_them.split("test", DE_AZ)
    assert (pairs.source_text(), pairs.target_text()) == (sentences("de", 8, 56), sentences("az", 8, 56))
    assert not with_them.has_split("train", DE_AZ)
    assert {"de", "az"} <= set(with_them.vocabulary.languages)
    for direction in ("en-az", "en-de"):  # sentences 56 to 59 stand in train and in the zero-shot test sets
        kept = [store.statistics[direction]["train"]["kept"] for store in (with_them, without)]
        assert kept == [56, 60]
    with pytest.raises(DataError, match=r"no train split for de-az .*this direction: test; directions: .*az-de, de-az"):
        with_them.split("train", DE_AZ)


def test_their_files_are_part_of_the_fingerprint(opus, tmp_path):
    def found():
        return prepare(config(opus, store=tmp_path / "s"), SentencePieceSettings(size=150)).fingerprint

    before = found()
    write(opus / "zero-shot/az-de/opus.az-de-test.de", sentences("de", 8, 90))
    assert found() != before


def test_a_table_whose_columns_have_no_row_in_common(tmp_path):
    """By its header it has az-de; `all` leaves that out, and who names it is told."""
    for split, start in (("train", 0), ("dev", 60), ("test", 70)):
        rows = [f"{a}\t{b}\t" for a, b in zip(sentences("en", 30, start), sentences("de", 30, start), strict=True)]
        rows += [f"{a}\t\t{b}" for a, b in zip(sentences("en", 30, start), sentences("az", 30, start), strict=True)]
        write(tmp_path / "c" / f"{split}.tsv", ["en\tde\taz", *rows])
    given = config(tmp_path / "c", format="tsv", store=tmp_path / "s")
    assert Corpus(given).zero_shot == (AZ_DE, DE_AZ)
    store = prepare(given, SentencePieceSettings(size=150))
    assert store.zero_shot == ()
    assert store.directions == (EN_AZ, EN_DE)
    with pytest.raises(DataError, match="no pair is left in the dev split of de-az"):
        prepare(given.model_copy(update={"zero_shot": ["de-az"]}), SentencePieceSettings(size=150))
