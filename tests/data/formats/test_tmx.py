import gzip
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data import DataConfig
from catscale.data.config import HoldoutConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction
from catscale.data.formats.tmx import tmx_languages
from catscale.errors import DataError
from tests.data.formats.reading import read_tmx

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4">'
HEAD += '<header srclang="en" segtype="sentence"><prop type="x">header text</prop></header><body>\n'
XML = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff", include_characters="\t"),
    max_size=20,
)


def tuv(tag, inner, attribute="xml:lang"):
    return f'<tuv {attribute}="{tag}"><prop>note</prop><seg>{inner}</seg></tuv>'


def write(path, *units):
    body = "".join(f"<tu><note>n</note>{''.join(unit)}</tu>\n" for unit in units)
    content = f"{HEAD}{body}</body></tmx>\n".encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@given(pairs=st.lists(st.tuples(XML, XML), min_size=1, max_size=8), packed=st.booleans())
def test_what_is_written_is_read(pairs, packed, tmp_path_factory):
    path = tmp_path_factory.mktemp("tmx") / ("x.tmx.gz" if packed else "x.tmx")
    write(path, *[(tuv("en", escape(a)), tuv("de", escape(b))) for a, b in pairs])
    assert list(read_tmx(path, "en", "de")) == pairs
    assert list(read_tmx(path, "de", "en")) == [(b, a) for a, b in pairs]


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ("a<bpt i='1'>&lt;b></bpt>bold<ept i='1'>&lt;/b></ept> c", "abold c"),
        ("a <hi>b <hi>c</hi></hi> d", "a b c d"),
        ("a<ph>code <sub>a footnote</sub> more</ph>b", "ab"),
        ("<it pos='begin'>x</it>a<ut>y</ut>", "a"),
        ("line\none\r\ntwo", "line one two"),
        ("a<!-- no --><![CDATA[<b>&]]>", "a<b>&"),
        ("1 &lt; 2 &amp; &#228;\u2028x", "1 < 2 & \u00e4\u2028x"),
        ("", ""),
        ("x" * 3_000_000, "x" * 3_000_000),
    ],
)
def test_the_text_of_a_segment(tmp_path, inner, text):
    path = write(tmp_path / "x.tmx", (tuv("en", inner), tuv("de", "d")), (tuv("en", "next"), tuv("de", "n")))
    assert list(read_tmx(path, "en", "de")) == [(text, "d"), ("next", "n")]


@pytest.mark.parametrize(
    ("tags", "asked", "text"),
    [
        (["EN"], "en", "0"),
        (["en-US"], "en", "0"),
        (["en_GB"], "en", "0"),
        (["en-US", "en"], "en", "1"),
        (["en-US", "en-GB"], "en", "0"),
        (["en-US", "EN-gb"], "en-GB", "1"),
        (["pt-BR"], "pt_br", "0"),
        (["en", "en"], "en", "0"),
        (["en"], "en-US", None),
        (["eng"], "en", None),
    ],
)
def test_which_tag_a_language_is(tmp_path, tags, asked, text):
    path = write(tmp_path / "x.tmx", [*(tuv(tag, str(n)) for n, tag in enumerate(tags)), tuv("de", "d")])
    assert list(read_tmx(path, asked, "de")) == ([] if text is None else [(text, "d")])


def test_the_attribute_of_older_files_and_units_of_other_languages(tmp_path):
    path = write(tmp_path / "x.tmx", (tuv("en", "a", "lang"), tuv("de", "b", "lang")), (tuv("en", "c"), tuv("fr", "d")))
    assert list(read_tmx(path, "en", "de")) == [("a", "b")]
    assert sorted(sorted(group) for group in tmx_languages(path)) == [["de", "en"], ["en", "fr"]]


def test_a_unit_does_not_lend_its_texts_to_the_next(tmp_path):
    path = write(tmp_path / "x.tmx", (tuv("en", "a"), tuv("de", "b")), (tuv("de", "c"),))
    assert list(read_tmx(path, "en", "de")) == [("a", "b")]


def test_a_text_without_language_names_its_line(tmp_path):
    path = write(tmp_path / "x.tmx", (tuv("en", "a"), tuv("de", "b")), ("<tuv><seg>c</seg></tuv>",))
    with pytest.raises(DataError, match=r"x\.tmx, line 5: <tuv> names no language; add one"):
        list(read_tmx(path, "en", "de"))


def test_a_file_without_units(tmp_path):
    with pytest.raises(DataError, match=r"x\.tmx holds no <tu>, .*is this the right file"):
        list(read_tmx(write(tmp_path / "x.tmx"), "en", "de"))


def test_one_file_of_train_pairs_in_regional_variants(tmp_path):
    path = write(tmp_path / "all.tmx", (tuv("en-US", "a"), tuv("de-DE", "b")), (tuv("en-GB", "c"), tuv("fr", "d")))
    corpus = Corpus(
        DataConfig(format="tmx", path=path, source="en", targets="all", holdout=HoldoutConfig(dev=1, test=1))
    )
    assert [str(d) for d in corpus.directions] == ["en-de", "en-fr"]
    assert list(corpus.pairs("train", Direction("en", "fr"))) == [("c", "d")]
    assert not corpus.has_split("dev", corpus.directions[0])


def test_codes_choose_a_region(tmp_path):
    for split in ("train", "dev"):
        write(tmp_path / f"{split}.tmx", (tuv("pt-PT", "a"), tuv("pt-BR", "b"), tuv("en", "c")))
    settings: dict[str, Any] = {"language_codes": {"br": "pt-BR"}, "directions": ["en-br", "en-pt"]}
    corpus = Corpus(DataConfig(format="tmx", path=tmp_path, **settings))
    assert [list(corpus.pairs("train", d)) for d in corpus.directions] == [[("c", "b")], [("c", "a")]]


def test_two_variants_in_one_unit_are_languages_apart(tmp_path):
    for split in ("train", "dev"):
        write(
            tmp_path / f"{split}.tmx", (tuv("pt-PT", "a"), tuv("PT-br", "b"), tuv("en-US", "c")), (tuv("en-GB", "d"),)
        )
    corpus = Corpus(DataConfig(format="tmx", path=tmp_path, sources="all", targets="all"))
    assert {str(d) for d in corpus.directions if d.source == "pt_PT"} == {"pt_PT-pt_BR", "pt_PT-en"}
    assert list(corpus.pairs("train", Direction("pt_PT", "pt_BR"))) == [("a", "b")]
    assert list(corpus.pairs("train", Direction("en", "pt_BR"))) == [("c", "b")]
    assert corpus.notes[0].endswith("pt-BR is pt_BR, pt-PT is pt_PT")


def test_several_segments_are_one_text(tmp_path):
    unit = '<tuv xml:lang="en"><seg>A.</seg><seg>B.</seg></tuv>', '<tuv xml:lang="de"><seg>a, b.</seg></tuv>'
    assert list(read_tmx(write(tmp_path / "x.tmx", unit), "en", "de")) == [("A. B.", "a, b.")]


def test_text_outside_a_segment_names_its_line(tmp_path):
    unit = '<tuv xml:lang="en">The river.</tuv>', tuv("de", "b")
    with pytest.raises(DataError, match=r"x\.tmx, line 4: the text of <tuv> stands outside <seg>, found 'The"):
        list(read_tmx(write(tmp_path / "x.tmx", unit), "en", "de"))
    around = '<tuv xml:lang="en"> x <seg>A</seg> y <prop>z</prop></tuv>', tuv("de", "b")
    assert list(read_tmx(write(tmp_path / "y.tmx", around), "en", "de")) == [("A", "b")]
