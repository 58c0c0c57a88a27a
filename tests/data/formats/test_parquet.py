import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data import DataConfig
from catscale.data.config import HoldoutConfig, SplitNames
from catscale.data.corpora.corpus import Corpus
from catscale.data.formats.parquet import ROWS, parquet_columns
from catscale.errors import ConfigError, DataError
from tests.data.formats.reading import read_parquet

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'catscale[parquet]'")
parquet = pytest.importorskip("pyarrow.parquet")

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=20)
ROW = st.tuples(st.none() | TEXT, st.none() | TEXT)


def write(path, table):
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.table(table), path)
    return path


def records(pairs):
    kind = pyarrow.struct([("en", pyarrow.string()), ("de", pyarrow.string())])
    return {"translation": pyarrow.array([{"en": a, "de": b} for a, b in pairs], type=kind)}


def columns(pairs, kind=None):
    kind = kind or pyarrow.string()
    return {lang: pyarrow.array([p[i] for p in pairs], type=kind) for i, lang in enumerate(("en", "de"))}


@given(rows=st.lists(ROW, min_size=1, max_size=8), as_records=st.booleans())
def test_what_is_written_is_read(rows, as_records, tmp_path_factory):
    path = write(tmp_path_factory.mktemp("p") / "x.parquet", records(rows) if as_records else columns(rows))
    expected = [(a or "", b or "") for a, b in rows if (a, b) != (None, None)]  # a null is counted as an empty side
    assert list(read_parquet(path, "en", "de")) == expected
    assert list(read_parquet(path, "de", "en")) == [(b, a) for a, b in expected]


@pytest.mark.parametrize("kind", ["large_string", "dictionary"])
def test_kinds_of_text(tmp_path, kind):
    chosen = pyarrow.large_string() if kind == "large_string" else pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    path = write(tmp_path / "x.parquet", {**columns([("a", "b"), ("a", "c")], chosen), "id": [1, 2], "l": [["x"], []]})
    assert list(read_parquet(path, "en", "de")) == [("a", "b"), ("a", "c")]
    assert parquet_columns(path) == [{"en", "de"}]


def test_more_rows_than_are_read_at_a_time_and_odd_texts(tmp_path):
    pairs = [(f"a{n}", f"b{n}") for n in range(2 * ROWS + 3)]
    path = write(tmp_path / "x.parquet", columns([*pairs, ("a\nb\u2028\x00", "x" * 10_000_000)]))
    assert list(read_parquet(path, "en", "de")) == [*pairs, ("a b\u2028\x00", "x" * 10_000_000)]


def test_a_row_without_record_has_no_pair(tmp_path):
    kind = pyarrow.struct([("en", pyarrow.string()), ("de", pyarrow.string())])
    table = {"translation": pyarrow.array([None, {"en": "a", "de": "b"}], type=kind), "other": ["x", "y"]}
    path = write(tmp_path / "x.parquet", table)
    assert list(read_parquet(path, "en", "de")) == [("a", "b")]
    assert parquet_columns(path) == [{"en", "de"}]


def test_invalid_utf8_names_its_row(tmp_path):
    texts = [b"good", b"b\xe4d"]
    offsets = pyarrow.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 4, 7)))
    array = pyarrow.Array.from_buffers(pyarrow.string(), 2, [None, offsets, pyarrow.py_buffer(b"".join(texts))])
    path = write(tmp_path / "x.parquet", {"en": array, "de": ["a", "b"]})
    with pytest.raises(DataError, match=r"x\.parquet, row 2 is not valid UTF-8: byte 0xe4 at position 2"):
        list(read_parquet(path, "en", "de"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"cannot read .*x\.parquet as Parquet: .*check that it is complete"),
        (b"PAR1 but nothing more PAR1", r"cannot read .*x\.parquet as Parquet"),
        (None, r"cannot read .*x\.parquet as Parquet"),
    ],
)
def test_damaged_files(tmp_path, content, message):
    if content is None:
        whole = write(tmp_path / "whole.parquet", columns([("a" * 50, "b")] * 1000)).read_bytes()
        content = whole[: len(whole) // 2] + b"\0" * 40 + whole[len(whole) // 2 + 40 :]
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read_parquet(tmp_path / "x.parquet", "en", "de"))


def test_what_is_missing(tmp_path):
    with pytest.raises(DataError, match=r"x\.parquet has no rows; a split needs at least one"):
        list(read_parquet(write(tmp_path / "x.parquet", columns([])), "en", "de"))
    path = write(tmp_path / "y.parquet", {**columns([("a", "b")]), "id": [1]})
    for language in ("fr", "id"):
        with pytest.raises(DataError, match=rf"no texts of '{language}'; it has those of en, de: name the columns in"):
            list(read_parquet(path, "en", language))


def test_the_folders_of_the_hub(tmp_path):
    for split in ("train", "validation"):
        for n in (1, 0):
            name = f"de-en/{split}-0000{n}-of-00002.parquet"
            write(tmp_path / name, records([(f"{split} {n}", f"t{n}")]))
    corpus = Corpus(DataConfig(format="parquet", path=tmp_path, source="en", targets="all"))
    assert [str(d) for d in corpus.directions] == ["en-de"]
    assert list(corpus.pairs("train", corpus.directions[0])) == [("train 0", "t0"), ("train 1", "t1")]
    assert list(corpus.pairs("dev", corpus.directions[0])) == [("validation 0", "t0"), ("validation 1", "t1")]
    assert not corpus.has_split("test", corpus.directions[0])


def test_dev_by_another_name(tmp_path):
    for split in ("train", "validation", "valid"):
        write(tmp_path / f"{split}.parquet", records([(split, "x")]))
    settings = {"format": "parquet", "path": tmp_path, "directions": ["en-de"]}
    for splits, expected in (({}, "validation"), ({"dev": "valid"}, "valid"), ({"dev": "other"}, None)):
        corpus = Corpus(DataConfig(**settings, splits=SplitNames(**splits), holdout=HoldoutConfig()))
        found = corpus.has_split("dev", corpus.directions[0])
        assert (next(corpus.pairs("dev", corpus.directions[0]))[0] if found else None) == expected


def test_one_table_of_many_languages_and_its_columns(tmp_path):
    table = {"eng": ["a"], "deu": ["b"], "fra": ["c"], "n": [1]}
    for split in ("train", "dev"):
        write(tmp_path / f"{split}.parquet", table)
    corpus = Corpus(
        DataConfig(format="parquet", path=tmp_path, columns={"en": "eng", "de": "deu"}, sources="all", targets="all")
    )
    assert [str(d) for d in corpus.directions] == ["de-en", "en-de"]
    assert list(corpus.pairs("train", corpus.directions[1])) == [("a", "b")]
    coded = Corpus(DataConfig(format="parquet", path=tmp_path, language_codes={"fr": "fra"}, directions=["fr-eng"]))
    assert list(coded.pairs("dev", coded.directions[0])) == [("c", "a")]


def test_without_the_package(tmp_path, monkeypatch):
    path = write(tmp_path / "x.parquet", columns([("a", "b")]))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigError, match=r"parquet needs the package pyarrow .*pip install 'catscale\[parquet\]'"):
        list(read_parquet(path, "en", "de"))


def test_nothing_heavy_is_imported_before_it_is_needed():
    program = "import sys, catscale.data; print({'pyarrow', 'datasets', 'xml.etree', 'pandas'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "set()"
