from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data import DataConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.formats.xliff import xliff_languages
from catscale.errors import DataError
from tests.data.formats.reading import read_xliff
from tests.data.formats.test_tmx import XML

SPACE = "urn:oasis:names:tc:xliff:document:"


def old(*units, languages='source-language="en-US" target-language="de"'):
    body = "\n".join(f"<trans-unit id='{n}'>{unit}</trans-unit>" for n, unit in enumerate(units))
    head = f'<xliff version="1.2" xmlns="{SPACE}1.2"><file original="f" {languages}><body><group>\n'
    return f"{head}{body}</group></body></file></xliff>"


def new(*units, languages='srcLang="en-US" trgLang="de"'):
    body = "\n".join(f"<unit id='{n}'>{unit}</unit>" for n, unit in enumerate(units))
    head = f'<xliff version="2.0" xmlns="{SPACE}2.0" xmlns:mtc="{SPACE}matches:2.0" {languages}><file id="f">\n'
    return f"{head}{body}</file></xliff>"


def sides(source, target):
    return f"<source>{source}</source>" + ("" if target is None else f"<target>{target}</target>")


def segment(source, target):
    return f"<segment>{sides(source, target)}</segment>"


def write(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document.encode())
    return path


@given(pairs=st.lists(st.tuples(XML, XML), min_size=1, max_size=6), is_new=st.booleans())
def test_what_is_written_is_read(pairs, is_new, tmp_path_factory):
    texts = [(escape(a), escape(b)) for a, b in pairs]
    document = new(*[segment(*text) for text in texts]) if is_new else old(*[sides(*text) for text in texts])
    path = write(tmp_path_factory.mktemp("xliff") / "x.xlf", document)
    assert list(read_xliff(path, "en", "de")) == pairs
    assert list(read_xliff(path, "de", "en")) == [(b, a) for a, b in pairs]
    assert list(read_xliff(path, "en", "fr")) == []


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ("a <g id='1'>b<x id='2'/></g> c", "a b c"),
        ("a<bpt id='1'>[b<sub>note</sub>]</bpt>b<ept id='1'>[/b]</ept>", "ab"),
        ("a<ph id='1'>{0}</ph>", "a"),
        ("<mrk mtype='seg' mid='1'>a.</mrk>\n<mrk mtype='seg' mid='2'>b.</mrk>", "a. b."),
        ("a <pc id='1'>b</pc><ph id='2'/><sc id='3'/>c<ec startRef='3'/><cp hex='001A'/>", "a bc"),
    ],
)
@pytest.mark.parametrize("is_new", [False, True])
def test_the_text_of_a_side(tmp_path, inner, text, is_new):
    document = new(segment(inner, "d")) if is_new else old(sides(inner, "d"))
    assert list(read_xliff(write(tmp_path / "x.xlf", document), "en", "de")) == [(text, "d")]


def test_proposals_are_no_translations(tmp_path):
    proposal = "<alt-trans><source>old</source><target>alt</target></alt-trans>"
    split = "<seg-source><mrk mtype='seg'>a</mrk></seg-source>"
    document = old("<source>a</source>" + split + proposal, "<source>b</source>" + proposal + "<target>c</target>")
    assert list(read_xliff(write(tmp_path / "x.xlf", document), "en", "de")) == [("a", ""), ("b", "c")]
    match = "<mtc:matches><mtc:match ref='#1'><source>m</source><target>n</target></mtc:match></mtc:matches>"
    ignorable = "<ignorable><source> </source><target> </target></ignorable>"
    document = new(match + segment("a", "b") + ignorable + segment("c", None) + segment("d", "e"))
    assert list(read_xliff(write(tmp_path / "y.xlf", document), "en", "de")) == [("a", "b"), ("c", ""), ("d", "e")]


def test_of_two_targets_the_first_counts(tmp_path):
    document = old("<source>a</source><target>b</target><target>c</target>")
    assert list(read_xliff(write(tmp_path / "x.xlf", document), "en", "de")) == [("a", "b")]


def test_a_side_may_name_its_own_language(tmp_path):
    document = old('<source xml:lang="fr">a</source><target>b</target>', sides("c", "d"))
    path = write(tmp_path / "x.xlf", document)
    assert list(read_xliff(path, "fr", "de")) == [("a", "b")]
    assert list(read_xliff(path, "en", "de")) == [("c", "d")]
    assert sorted(sorted(group) for group in xliff_languages(path)) == [["de", "en"], ["de", "fr"]]


@pytest.mark.parametrize(
    "document",
    [old(sides("a", "b"), languages='source-language="en"'), new(segment("a", "b"), languages='srcLang="en"')],
)
def test_an_unknown_language_names_its_line(tmp_path, document):
    with pytest.raises(DataError, match=r'x\.xlf, line 2: no language is known of <target>; add target-language="…"'):
        list(read_xliff(write(tmp_path / "x.xlf", document), "en", "de"))


def test_a_file_without_units(tmp_path):
    with pytest.raises(DataError, match=r"x\.xlf holds neither <trans-unit> .*nor <segment>"):
        list(read_xliff(write(tmp_path / "x.xlf", old()), "en", "de"))


def test_a_folder_of_documents(tmp_path):
    for split in ("train", "dev"):
        for n in (2, 1):
            write(tmp_path / "de-en" / split / f"{n}.xlf", old(sides(f"{split} {n}", f"t{n}")))
    corpus = Corpus(DataConfig(format="xliff", path=tmp_path, sources="all", targets="all"))
    assert [str(d) for d in corpus.directions] == ["de-en", "en-de"]
    assert list(corpus.pairs("train", corpus.directions[0])) == [("t1", "train 1"), ("t2", "train 2")]
    assert [path.name for path in corpus.files("dev", corpus.directions[1])] == ["1.xlf", "2.xlf"]
    named = Corpus(
        DataConfig(format="xliff", path=tmp_path, pattern="{pair}/{split}/*.xlf", source="en", targets="all")
    )
    assert list(named.pairs("dev", named.directions[0])) == [("dev 1", "t1"), ("dev 2", "t2")]


def seg(mid, text):
    return f"<mrk mtype='seg' mid='{mid}'>{text}</mrk>"


TERM = "<mrk mtype='term'>b<mrk mtype='protected'/></mrk>"
SOURCE = "<source>A b. C d. E f.</source>"
CUT = f"<seg-source>{seg(0, 'A b.')} {seg(1, 'C d.')} {seg(2, 'E f.')}</seg-source>"


@pytest.mark.parametrize(
    ("unit", "pairs"),
    [
        # one of three is translated, as in shared/cases/segmented.xlf
        (
            f"{SOURCE}{CUT}<target>{seg(0, '')}{seg(1, 'c')}<mrk mtype='seg' mid='2'/></target>",
            [("A b.", ""), ("C d.", "c"), ("E f.", "")],
        ),
        # in another order, and one that the target lacks
        (f"{SOURCE}{CUT}<target>{seg(2, 'e')}{seg(0, 'a')}</target>", [("A b.", "a"), ("C d.", ""), ("E f.", "e")]),
        # what stands between and around the segments belongs to none; tags around them are taken off
        (
            f"{SOURCE}<seg-source>1. <g id='1'>{seg(0, 'A b.')}</g> / {seg(1, 'C d.')}</seg-source>"
            f"<target>1. <g id='1'>{seg(0, 'a')}</g> / {seg(1, 'c')}</target>",
            [("A b.", "a"), ("C d.", "c")],
        ),
        # annotations within a segment, and a segment of which tags make two parts
        (
            f"{SOURCE}<seg-source>{seg(0, f'A {TERM}.')}<g id='1'>{seg(0, ' C')}</g></seg-source>"
            f"<target>{seg(0, f'a {TERM}')}</target>",
            [("A b. C", "a b")],
        ),
        # no segments of the target, or none of it at all
        (f"{SOURCE}{CUT}<target>a c e</target>", [("A b. C d. E f.", "a c e")]),
        (f"{SOURCE}{CUT}", [("A b.", ""), ("C d.", ""), ("E f.", "")]),
        (f"{SOURCE}{CUT}<target/>", [("A b.", ""), ("C d.", ""), ("E f.", "")]),
        # seg-source is missing: whole against whole, if all of it is translated
        (f"{SOURCE}<target>{seg(0, 'a')} {seg(1, 'c')}</target>", [("A b. C d. E f.", "a c")]),
        (f"{SOURCE}<target>{seg(0, 'a')} {seg(1, '')}</target>", [("A b. C d. E f.", "")]),
        # without mid: by their order, if they are as many
        (
            "<source>A B</source><seg-source><mrk mtype='seg'>A</mrk><mrk mtype='seg'>B</mrk></seg-source>"
            "<target><mrk mtype='seg'>a</mrk><mrk mtype='seg'>b</mrk></target>",
            [("A", "a"), ("B", "b")],
        ),
        # a segment of the target that translates none of the source
        (
            f"<source>A</source><seg-source>{seg(0, 'A')}</seg-source><target>{seg(0, 'a')}{seg(7, 'x')}</target>",
            [("A", "a"), ("", "x")],
        ),
        # proposals have segments too
        (
            f"{SOURCE}{CUT}<target>{seg(1, 'c')}</target><alt-trans><target>{seg(0, 'no')}</target></alt-trans>",
            [("A b.", ""), ("C d.", "c"), ("E f.", "")],
        ),
    ],
)
def test_segments_are_paired_by_their_mid(tmp_path, unit, pairs):
    assert list(read_xliff(write(tmp_path / "x.sdlxliff", old(unit)), "en", "de")) == pairs


@pytest.mark.parametrize(
    ("document", "pairs"),
    [
        (old("<source>a</source><target state='needs-translation'>a</target>"), [("a", "")]),
        (old("<source>a</source><target state='new'>a</target>"), [("a", "")]),
        (old("<source>a</source><target state='needs-review-translation'>b</target>"), [("a", "b")]),
        (old("<source>a</source><target state='final'>b</target>"), [("a", "b")]),
        (new("<segment state='initial'><source>a</source><target>a</target></segment>"), [("a", "")]),
        (new("<segment state='translated'><source>a</source><target>b</target></segment>"), [("a", "b")]),
        (old(sides("a", "b")).replace("<trans-unit", "<trans-unit approved='no'"), [("a", "b")]),
        (
            old(sides("a", "a"), sides("b", "c")).replace("<trans-unit id='0'", "<trans-unit translate='no'"),
            [("b", "c")],
        ),
        (new(segment("a", "a"), segment("b", "c")).replace("<unit id='0'", "<unit translate='no'"), [("b", "c")]),
    ],
)
def test_what_is_translated(tmp_path, document, pairs):
    assert list(read_xliff(write(tmp_path / "x.xlf", document), "en", "de")) == pairs


@pytest.mark.parametrize("ending", ["xlf", "xliff", "sdlxliff", "mqxliff"])
def test_endings(tmp_path, ending):
    for split in ("train", "dev"):
        write(tmp_path / "c" / f"{split}.{ending}", old(sides("a", "b")))
        write(tmp_path / "d" / "en-de" / split / f"1.{ending}", old(sides("a", "b")))
        write(tmp_path / "d" / "en-de" / split / "2.xlf", old(sides("c", "d")))
    for folder, pairs in (("c", [("a", "b")]), ("d", [("a", "b"), ("c", "d")])):
        corpus = Corpus(DataConfig(format="xliff", path=tmp_path / folder, source="en", targets="all"))
        assert [str(d) for d in corpus.directions] == ["en-de"]
        assert list(corpus.pairs("train", corpus.directions[0])) == pairs


def test_text_that_a_tracked_change_takes_out_is_no_text(tmp_path):
    target = (
        '<mrk mtype="seg" mid="1">eine <mrk mtype="x-sdl-deleted">alte <g id="1">rote</g> </mrk>'
        '<mrk mtype="x-sdl-added">neue</mrk> <mrk mtype="x-sdl-comment">Katze</mrk></mrk>'
    )
    unit = (
        f'<source>a cat</source><seg-source><mrk mtype="seg" mid="1">a cat</mrk></seg-source><target>{target}</target>'
    )
    path = write(tmp_path / "x.sdlxliff", old(unit))
    assert list(read_xliff(path, "en", "de")) == [("a cat", "eine neue Katze")]
