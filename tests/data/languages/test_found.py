"""Which names are languages where `all` is asked for, over the formats."""

import gzip
import json

import pyarrow
import pyarrow.parquet
import pytest

from catscale.data import DataConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction
from catscale.errors import DataError
from tests.data.toy_corpora import sentences, write

EN, DE = sentences("en", 3), sentences("de", 3)
IDS = ["s0", "s1", "s2"]
FORMATS = ["moses", "opus100", "tsv", "jsonl", "translation", "parquet", "records", "hf", "ted"]


def lay_out(root, kind, columns):
    """Write train and dev with columns of three values each; returns the format's name."""
    for split in ("train", "dev"):
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        if kind in ("moses", "opus100"):
            names = [name for name in columns if name != "en"]
            for name in names:
                pair = f"en-{name}" if kind == "opus100" else "many"
                prefix = f"{pair}/opus.{pair}-{split}" if kind == "opus100" else split
                for one in ("en", name):
                    write(root / f"{prefix}.{one}", list(map(str, columns[one])))
        elif kind in ("tsv", "ted"):
            name = f"all_talks_{split}.tsv" if kind == "ted" else f"{split}.tsv"
            write(root / name, ["\t".join(columns), *("\t".join(map(str, row.values())) for row in rows)])
        elif kind in ("jsonl", "translation", "hf"):
            lines = [{"translation": row, "n": 1} if kind == "translation" else row for row in rows]
            write(root / f"{split}.jsonl", [json.dumps(line) for line in lines])
        else:
            table = {"translation": rows} if kind == "records" else columns
            root.mkdir(parents=True, exist_ok=True)
            pyarrow.parquet.write_table(pyarrow.table(table), root / f"{split}.parquet")
    return {"translation": "jsonl", "records": "parquet"}.get(kind, kind)


@pytest.mark.parametrize("kind", FORMATS)
def test_columns_that_are_no_language_are_passed_over_and_named(tmp_path, kind):
    if kind == "hf":
        pytest.importorskip("datasets")
    columns = {"en": EN, "de": DE, "pt-BR": DE, "domain": ["news"] * 3, "url": ["https://a.b/c"] * 3}
    if kind != "ted":  # whose other columns are all languages
        columns |= {"id": IDS}
    given = lay_out(tmp_path / "c", kind, columns)
    corpus = Corpus(DataConfig(format=given, path=tmp_path / "c", source="en", targets="all"))
    assert [str(d) for d in corpus.directions] == ["en-de", "en-pt_BR"]
    assert list(corpus.pairs("dev", corpus.directions[1])) == list(zip(EN, DE, strict=True))
    notes = "\n".join(corpus.notes)
    assert "a hyphen divides a direction: pt-BR is pt_BR" in notes
    assert all(name in notes for name in ("domain", "url"))
    if kind != "ted":
        assert "id (a code of Indonesian, but its values are no text: 's0')" in notes


@pytest.mark.parametrize("kind", ["moses", "tsv", "jsonl", "parquet"])
def test_indonesian_is_a_language_and_any_code_can_be_named(tmp_path, kind):
    texts = ["Saya lapar.", "Rumah itu merah.", "Kami melihat raja."]
    given = lay_out(tmp_path / "c", kind, {"en": EN, "id": texts, "qaa": DE})
    settings = {"format": given, "path": tmp_path / "c"}
    assert [str(d) for d in Corpus(DataConfig(**settings, source="en", targets="all")).directions] == ["en-id"]
    for named in ({"source": "en", "targets": ["qaa"]}, {"directions": ["en-qaa"]}):
        corpus = Corpus(DataConfig(**settings, **named))
        assert list(corpus.pairs("train", corpus.directions[0])) == list(zip(EN, DE, strict=True))
        assert corpus.notes == []
    back = Corpus(DataConfig(**settings, sources="all", target="qaa"))
    assert [str(d) for d in back.directions] == ["en-qaa", "id-qaa"]


@pytest.mark.parametrize("kind", ["moses", "opus100", "tsv", "jsonl", "parquet"])
def test_two_names_of_one_code_are_both_named(tmp_path, kind):
    given = lay_out(tmp_path / "c", kind, {"en": EN, "pt-BR": DE, "pt_BR": DE})
    settings = {"format": given, "path": tmp_path / "c"}
    both = r"pt-BR.* and .*pt_BR|pt_BR.* and .*pt-BR"
    with pytest.raises(DataError, match=both):
        _ = Corpus(DataConfig(**settings, source="en", targets="all")).directions
    named = Corpus(DataConfig(**settings, directions=["en-pt-BR"]))
    with pytest.raises(DataError, match=both):
        list(named.pairs("train", Direction("en", "pt_BR")))
    chosen = Corpus(DataConfig(**settings, directions=["en-pt"], language_codes={"pt": "pt-BR"}))
    assert list(chosen.pairs("train", chosen.directions[0])) == list(zip(EN, DE, strict=True))


def test_two_codes_of_one_language_are_said(tmp_path):
    lay_out(tmp_path, "moses", {"en": EN, "az": DE, "aze": DE, "iw": DE, "he": DE})
    corpus = Corpus(DataConfig(format="moses", path=tmp_path, source="en", targets="all"))
    assert [str(d) for d in corpus.directions] == ["en-az", "en-aze", "en-he", "en-iw"]
    assert [note.split(",")[0] for note in corpus.notes] == [
        "az and aze are codes of one language",
        "he and iw are codes of one language",
    ]


def test_what_lies_beside_the_files_of_a_corpus(tmp_path):
    lay_out(tmp_path, "moses", {"en": EN, "de": DE, "log": EN, "ids": IDS})
    for name in ("README.md", "train.en~", ".train.fr", "#train.fr#", "train.bak", "train.txt"):
        write(tmp_path / name, EN)
    (tmp_path / "train.fr").mkdir()
    (tmp_path / "train.bin").write_bytes(bytes(range(256)))
    (tmp_path / "train.de.gz").write_bytes(gzip.compress(b"x\n"))
    corpus = Corpus(DataConfig(format="moses", path=tmp_path, sources="all", targets="all"))
    assert [str(d) for d in corpus.directions] == ["de-en", "en-de"]
    assert (
        f"{tmp_path / 'train.de.gz'} is passed over, because {tmp_path / 'train.de'} is there too; remove one of them"
        in corpus.notes
    )
    assert any("bak (a code of ISO 639-3 that is seldom meant)" in note for note in corpus.notes)


PORTUGUESE = '<tmx><body><tu><tuv xml:lang="pt"><seg>a</seg></tuv></tu></body></tmx>'
NOT_FOUND = [
    ("moses", "en-fr/train.xx", EN, r"no train file has one of the names .*; there are en-fr/train\.xx"),
    ("tsv", "train.tsv", ["a b\tc d"], r"train\.tsv holds a b, c d; passed over .*data\.columns: \{en: 0"),
    ("jsonl", "train.jsonl", ['{"src": "a", "domain": "b"}'], r"train\.jsonl holds domain, src; passed over"),
    ("tmx", "train.tmx", [PORTUGUESE], r"none holds two languages: train\.tmx holds pt"),
]


@pytest.mark.parametrize(("kind", "name", "lines", "match"), NOT_FOUND)
def test_no_direction_at_all_says_what_is_there(tmp_path, kind, name, lines, match):
    write(tmp_path / "c" / name, lines)
    with pytest.raises(DataError, match=match):
        _ = Corpus(DataConfig(path=tmp_path / "c", source="en", targets="all", format=kind)).directions


@pytest.mark.parametrize("code", ["pt-BR", "zh-CN", "sr-Latn", "zh-Hant-TW"])
@pytest.mark.parametrize("kind", ["moses", "opus100", "tsv", "jsonl"])
def test_a_code_with_a_hyphen_in_every_list_of_a_configuration(tmp_path, kind, code):
    given = lay_out(tmp_path / "c", kind, {"en": EN, code: DE})
    ours = code.replace("-", "_")
    for named in (
        {"directions": [f"en-{code}"]},
        {"source": "en", "targets": [code]},
        {"source": "en", "target": ours},
    ):
        config = DataConfig(format=given, path=tmp_path / "c", limit={f"en-{code}": 2}, **named)
        corpus = Corpus(config)
        assert [str(d) for d in corpus.directions] == [f"en-{ours}"]
        assert config.limit == {f"en-{ours}": 2}
        assert list(corpus.pairs("train", corpus.directions[0])) == list(zip(EN, DE, strict=True))
        assert [note.rpartition(": ")[2] for note in corpus.notes] == [f"{code} is {ours}"]


def test_a_pattern_with_one_language_looks_inside(tmp_path):
    for split in ("train", "dev"):
        for code in ("az", "be"):
            lines = [json.dumps({"en": a, code: b}) for a, b in zip(EN, DE, strict=True)]
            write(tmp_path / f"{split}.{code}.jsonl", lines)
    pattern = "{split}.{target}.jsonl"
    corpus = Corpus(DataConfig(format="jsonl", path=tmp_path, pattern=pattern, source="en", targets="all"))
    assert [str(d) for d in corpus.directions] == ["en-az", "en-be"]


@pytest.mark.parametrize("kind", ["moses", "tsv", "jsonl"])
def test_made_up_codes_are_languages_where_there_is_no_other(tmp_path, kind):
    given = lay_out(tmp_path / "c", kind, {"en": EN, "xa": DE, "src": EN, "domain": EN, "qaa": DE})
    corpus = Corpus(DataConfig(format=given, path=tmp_path / "c", source="en", targets="all"))
    assert [str(d) for d in corpus.directions] == ["en-xa"]
    assert corpus.notes[0].endswith("though the CLDR and ISO 639 lack them: xa")
    given = lay_out(tmp_path / "d", kind, {"en": EN, "xa": DE, "de": DE})
    corpus = Corpus(DataConfig(format=given, path=tmp_path / "d", source="en", targets="all"))
    assert [str(d) for d in corpus.directions] == ["en-de"]


def test_a_file_of_a_language_that_cannot_be_read_is_told_of_with_its_line(tmp_path):
    lay_out(tmp_path, "moses", {"en": EN, "de": DE, "fr": EN})
    (tmp_path / "train.fr").write_bytes(b"a\n\xff\n")
    corpus = Corpus(DataConfig(format="moses", path=tmp_path, source="en", targets="all"))
    assert [str(d) for d in corpus.directions] == ["en-de", "en-fr"]
    with pytest.raises(DataError, match=r"train\.fr, line 2 is not valid UTF-8"):
        list(corpus.pairs("train", Direction("en", "fr")))


@pytest.mark.parametrize("kind", ["jsonl", "tsv", "parquet", "moses", "hf"])
def test_language_codes_say_which_of_two_spellings_is_meant(tmp_path, kind):
    columns = {"en": EN, "pt-BR": DE, "pt_BR": ["errado um", "errado dois", "errado três"]}
    settings = {"format": lay_out(tmp_path, kind, columns), "path": tmp_path, "source": "en", "targets": "all"}
    with pytest.raises(DataError, match="language_codes"):
        _ = Corpus(DataConfig(**settings)).directions
    corpus = Corpus(DataConfig(**settings, language_codes={"pt_BR": "pt-BR"}))
    assert corpus.directions == (Direction("en", "pt_BR"),)
    assert list(corpus.pairs("train", corpus.directions[0])) == list(zip(EN, DE, strict=True))


def test_what_is_no_language_is_told_in_bounded_length(tmp_path):
    write(tmp_path / "train.tsv", ["\t".join(f"no header {n} {'x' * 200}" for n in range(500))] * 2)
    with pytest.raises(DataError, match="passed over as no languages: no header") as found:
        _ = Corpus(DataConfig(format="tsv", path=tmp_path, source="en", targets="all")).directions
    assert len(str(found.value)) < 3000
