import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data import DataConfig, prepare
from catscale.data.corpora.corpus import Corpus
from catscale.errors import DataError
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.formats.reading import read_ted
from tests.data.toy_corpora import write

HEADER = "talk_name\ten\tpt-br\taz"
CELL = st.sampled_from(
    ["__NULL__", "a __NULL__ b", "_ _ NULL _ _", "x _ _ NULL _ _", "", "NULL", "a\u2028b", "_", " a "]
)


def write_talks(root, rows):
    for split in ("train", "dev", "test"):
        write(root / f"all_talks_{split}.tsv", [HEADER, *("\t".join([f"talk_{split}", *row]) for row in rows)])
    return root


@given(rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8))
def test_complete_pairs_alone_are_read(rows, tmp_path_factory):
    path = write_talks(tmp_path_factory.mktemp("ted"), rows) / "all_talks_dev.tsv"
    complete = {"NULL", "a\u2028b", "_", " a "}
    assert list(read_ted(path, "en", "az")) == [(a, c) for a, _, c in rows if {a, c} <= complete]
    assert list(read_ted(path, "az", "pt_br")) == [(c, b) for _, b, c in rows if {b, c} <= complete]


def test_every_pair_of_columns_is_a_direction(tmp_path):
    root = write_talks(tmp_path, [("e", "p", "a"), ("f", "__NULL__", "b")])
    corpus = Corpus(DataConfig(format="ted", path=root, sources="all", targets="all"))
    names = [str(d) for d in corpus.directions]
    assert names == ["az-en", "az-pt_br", "en-az", "en-pt_br", "pt_br-az", "pt_br-en"]
    assert list(corpus.pairs("train", corpus.directions[1])) == [("a", "p")]
    own = Corpus(DataConfig(format="ted", path=root, language_codes={"br": "pt-br"}, directions=["br-en"]))
    assert list(own.pairs("dev", own.directions[0])) == [("p", "e")]
    columns = Corpus(DataConfig(format="ted", path=root, columns={"xx": "pt-br", "en": "en"}, source="en", target="xx"))
    assert list(columns.pairs("dev", columns.directions[0])) == [("e", "p")]


def test_missing_translations_are_not_counted(tmp_path):
    words = ["one", "two", "three", "four", "five", "six", "seven"]
    rows = [(f"{a} {b}", "__NULL__", f"{b} {a}") for a in words for b in words]
    root = write_talks(tmp_path / "c", [*rows, ("x", "y", "__NULL__"), ("", "y", "z")])
    config = DataConfig(format="ted", path=root, directions=["en-az"], store=tmp_path / "s")
    counts = prepare(config, SentencePieceSettings(size=50)).statistics["en-az"]["train"]
    assert (counts["read"], counts["kept"], counts["dropped"]["empty"]) == (49, 49, 0)


def test_a_language_without_column(tmp_path):
    path = write_talks(tmp_path, [("a", "b", "c")]) / "all_talks_train.tsv"
    with pytest.raises(DataError, match=r"no column 'fr' in its header, which is: talk_name, en, pt-br, az"):
        list(read_ted(path, "en", "fr"))
