"""A corpus with planted faults, by every way of reading it, and real ones."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catscale.corpus_statistics import sources as texts_module
from catscale.corpus_statistics.guess import choose_directions, guess_corpus
from catscale.corpus_statistics.measure import measure
from catscale.corpus_statistics.overlap import Matches, count_overlap, gather
from catscale.corpus_statistics.sources import CorpusTexts, StoreTexts, cut_blocks
from catscale.data import DataConfig, Direction, prepare
from catscale.data.config import HoldoutConfig, SplitNames
from catscale.data.corpora.corpus import Corpus
from catscale.data.preparation.hashing import hash_sentences
from catscale.errors import DataError
from catscale.vocabulary.training import SentencePieceSettings
from tests.data.toy_corpora import real, write, write_jsonl

EN_RU, EN_SR = Direction("en", "ru"), Direction("en", "sr")
SIDES = {
    "ru": {
        "train": [("a cat", "кот"), ("a cat", "кот"), ("a cat", "котик"), ("two cats", "кот"), ("Name", "name "),
                  ("three", "три tree"), ("four", "four cats"), ("\x07 five", "пять"), ("", "нет"), ("no", " ")],
        "dev": [("a dog", "пёс"), ("new", "три tree"), ("three", "новое")],
        "test": [("only in sr", "раз"), ("unseen", "два")],
    },
    "sr": {
        "train": [("only in sr", "само"), ("x", "mačka"), ("y", "мачка")],
        "dev": [("кот", "пёс"), ("x", "y")],
        "test": [("a", "b")],
    },
}  # fmt: skip


def write_planted(root, sides=SIDES):
    for language, splits in sides.items():
        for split, pairs in splits.items():
            write(root / f"en-{language}" / f"{split}.en", [pair[0] for pair in pairs])
            write(root / f"en-{language}" / f"{split}.{language}", [pair[1] for pair in pairs])
    return root


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return write_planted(tmp_path_factory.mktemp("planted"))


def texts_of(root, **changes):
    corpus = Corpus(DataConfig(**{"format": "moses", "path": root, "directions": ["en-ru", "en-sr"]} | changes))
    return CorpusTexts(corpus, corpus.directions)


def test_what_was_planted_is_found(planted):
    figures = measure(texts_of(planted))
    train = figures[EN_RU]["train"]
    assert (train.read, train.empty, train.pairs) == (10, 2, 8)
    assert (train.source.empty, train.target.empty) == (1, 1)
    assert asdict(train.duplicates) == {"pairs": 1, "sources": 2, "targets": 2, "sampled": 1}
    assert train.untranslated == 1
    assert (train.target.foreign_letters, train.target.foreign_lines) == (4 + 4 + 8, 3)  # name, tree, four cats
    assert (train.source.control_lines, train.target.control_lines) == (1, 0)
    assert train.source.words.longest == 2
    assert train.overlap is None
    assert figures[EN_SR]["train"].target.foreign_letters == 0  # both scripts are Serbian


def test_overlap_is_with_the_train_data_of_any_direction_on_the_side_of_the_language(planted):
    figures = measure(texts_of(planted))
    overlap = {(str(d), s): f.overlap for d, splits in figures.items() for s, f in splits.items()}
    assert asdict(overlap["en-ru", "dev"]) == {"pairs": 2, "sources": 1, "targets": 1}
    assert asdict(overlap["en-ru", "test"]) == {"pairs": 1, "sources": 1, "targets": 0}
    assert asdict(overlap["en-sr", "dev"]) == {"pairs": 1, "sources": 1, "targets": 0}  # "кот" is Russian in train
    assert overlap["en-sr", "test"].pairs == 0


def test_blocks_processes_and_formats_do_not_matter(planted, tmp_path, monkeypatch):
    expected, said = measure(texts_of(planted)), []
    assert measure(texts_of(planted), jobs=2, watch=lambda *news: said.append(news)) == expected
    assert said[-1] == (6, 10 + 3 + 2 + 3 + 2 + 1)
    monkeypatch.setattr(texts_module, "BLOCK_PAIRS", 2)
    assert measure(texts_of(planted)) == expected
    for language, splits in SIDES.items():
        for split, pairs in splits.items():
            write(tmp_path / f"en-{language}" / f"{split}.tsv", [f"en\t{language}", *map("\t".join, pairs)])
            records = [{"en": source, language: target} for source, target in pairs]
            write_jsonl(tmp_path / f"en-{language}" / f"{split}.jsonl", records)
    for kind, header in (("tsv", 1), ("jsonl", 0)):
        assert without_files(measure(texts_of(tmp_path, format=kind)), header) == without_files(expected)


def without_files(figures, header=0):
    """With the numbers of the lines as those of pairs, since a format has its own files, and a table a header."""
    return {
        direction: {
            name: replace(split, examples=tuple(replace(e, file="", line=e.line - header) for e in split.examples))
            for name, split in splits.items()
        }
        for direction, splits in figures.items()
    }


def test_examples_are_lines_of_the_files(planted):
    """Each one stands in its file at its line, and is what its kind says."""
    figures = measure(texts_of(planted, cleaning={"max_length": 2, "max_ratio": 1}))
    train, dev = planted / "en-ru" / "train.ru", planted / "en-ru" / "dev.ru"
    found = {
        (e.kind, e.file, e.line): (e.source, e.target)
        for splits in figures.values()
        for split in splits.values()
        for e in split.examples
    }
    assert found["untranslated", str(train), 5] == ("Name", "name ")
    assert found["wrong_script", str(train), 5] == ("Name", "name ")
    assert found["wrong_script", str(train), 7] == ("four", "four cats")
    assert found["control", str(train), 8] == ("\x07 five", "пять")
    assert found["empty", str(train), 9] == ("", "нет")
    assert found["empty", str(train), 10] == ("no", " ")
    assert found["in_train", str(dev), 2] == ("new", "три tree")
    assert found["in_train", str(dev), 3] == ("three", "новое")
    for (_, file, line), pair in found.items():
        sides = [
            Path(file).with_suffix(suffix).read_text().split("\n")[line - 1] for suffix in (".en", Path(file).suffix)
        ]
        assert tuple(sides) == pair
    assert {kind for kind, _, _ in found} == {
        "empty",
        "untranslated",
        "wrong_script",
        "control",
        "in_train",
        "too_long",
    }


def test_overlong_and_uneven_lines_are_shown(tmp_path):
    pairs = [("a b", "c d"), ("a b c", "d"), ("a " + "b" * 50, "c"), ("a", "b")]
    for name, side in (("train.en", 0), ("train.ru", 1), ("dev.en", 0), ("dev.ru", 1)):
        write(tmp_path / name, [pair[side] for pair in pairs])
    texts = texts_of(tmp_path, directions=["en-ru"], cleaning={"max_length": 2, "max_ratio": 3})
    examples = measure(texts)[EN_RU]["train"].examples
    assert [(e.kind, e.line) for e in examples if e.kind in ("too_long", "unbalanced")] == [
        ("too_long", 2),
        ("unbalanced", 3),
    ]


def test_few_examples_of_a_kind_and_short_texts(tmp_path):
    lines = ["x" * 300] * 10
    for name in ("train.en", "train.ru"):
        write(tmp_path / name, lines)
    examples = measure(texts_of(tmp_path, directions=["en-ru"], holdout=HoldoutConfig(dev=1)))[EN_RU]["train"].examples
    untranslated = [e for e in examples if e.kind == "untranslated"]
    assert [(e.line, len(e.source)) for e in untranslated] == [(1, 200), (2, 200), (3, 200)]


WORD = st.sampled_from(["a", "b", "c", "d", "e", "ж"])


@settings(deadline=None, max_examples=25)
@given(
    train=st.lists(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=6), min_size=2, max_size=2),
    dev=st.lists(st.lists(st.tuples(WORD, WORD), min_size=1, max_size=6), min_size=2, max_size=2),
)
def test_overlap_is_that_of_sets(train, dev, tmp_path_factory):
    sides = {lang: {"train": train[i], "dev": dev[i]} for i, lang in enumerate(("ru", "sr"))}
    figures = measure(texts_of(write_planted(tmp_path_factory.mktemp("sets"), sides)))
    english = {pair[0] for pairs in train for pair in pairs}
    for i, direction in enumerate((EN_RU, EN_SR)):
        foreign = {pair[1] for pair in train[i]}
        found = figures[direction]["dev"].overlap
        assert found.sources == sum(source in english for source, _ in dev[i])
        assert found.targets == sum(target in foreign for _, target in dev[i])
        assert found.pairs == sum(source in english or target in foreign for source, target in dev[i])


def test_matches_of_nothing():
    nothing = gather([])
    matches = Matches(nothing)
    matches.add(hash_sentences("en", ["a"]))
    assert matches.met.size == 0
    assert count_overlap([], [], nothing)[0].pairs == 0


def test_limit_and_holdout_of_the_configuration(planted):
    figures = measure(texts_of(planted, limit={"en-ru": 1}, holdout=HoldoutConfig(dev=1, test=0, replace=True)))
    assert (figures[EN_RU]["train"].read, figures[EN_RU]["test"].read) == (1, 2)
    assert set(figures[EN_RU]) == {"train", "test"}  # dev will be made from train


def test_duplicates_are_estimated_beyond_the_limit(planted):
    assert measure(texts_of(planted), most=2)[EN_RU]["train"].duplicates.sampled < 1


def test_blocks_are_cut_by_pairs_and_by_characters(monkeypatch):
    monkeypatch.setattr(texts_module, "BLOCK_PAIRS", 3)
    monkeypatch.setattr(texts_module, "BLOCK_CHARACTERS", 10)
    pairs = [("a", "b")] * 4 + [("x" * 20, "y")] + [("a", "b")]
    assert [len(block) for block in cut_blocks(pairs)] == [3, 2, 1]
    assert list(cut_blocks([])) == []


def test_a_fault_of_a_file_is_the_reader_s_error(tmp_path):
    root = write_planted(tmp_path)
    path = root / "en-ru" / "train.ru"
    write(path, path.read_text().splitlines()[:-1])
    with pytest.raises(DataError, match=r"train\.en has 10 lines and .*train\.ru has 9"):
        measure(texts_of(root))


def test_a_store_has_the_pairs_and_pieces_that_were_prepared(tmp_path):
    root = write_planted(tmp_path / "corpus")
    data = DataConfig(format="moses", path=root, directions=["en-ru", "en-sr"], store=tmp_path / "store")
    store = prepare(data, SentencePieceSettings(size=64, max_unknown=1.0))
    figures = measure(StoreTexts(store.folder))
    for direction in (EN_RU, EN_SR):
        for split in ("train", "dev", "test"):
            pairs, found = store.split(split, direction), figures[direction][split]
            assert (found.read, found.pairs, found.too_long) == (len(pairs), len(pairs), None)
            assert found.source.pieces.total == pairs.source_lengths.sum()
            assert found.target.pieces.longest == pairs.target_lengths.max()
    assert figures[EN_RU]["train"].pairs == 7  # one equal pair and two empty ones were dropped
    assert figures[EN_RU]["train"].duplicates.pairs == 0
    assert figures[EN_RU]["dev"].overlap.pairs == 2
    model = store.folder / "vocabulary" / "sentencepiece.bpe.model"
    corpus = texts_of(root)
    with_pieces = measure(CorpusTexts(corpus.corpus, corpus.directions, model))
    assert with_pieces[EN_RU]["dev"].source.pieces == figures[EN_RU]["dev"].source.pieces
    assert with_pieces[EN_RU]["train"].source.pieces.total > figures[EN_RU]["train"].source.pieces.total
    json.dumps(asdict(figures[EN_RU]["dev"]), allow_nan=False)


@pytest.mark.parametrize(("name", "kind"), [("tatoeba", "opus100"), ("wmt-news", "moses")])
def test_real_corpora_are_what_their_readme_says(name, kind):
    """The table of sizes in the corpus' README: pairs by split, mean words of train."""
    root = real(name)
    corpus = guess_corpus(root)
    assert corpus.config.format == kind
    figures = measure(CorpusTexts(corpus, choose_directions(corpus)))
    rows = [line.split("|")[1:-1] for line in (root / "README.md").read_text().splitlines() if line.startswith("| ")]
    table = {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in rows[1:]}
    assert len(table) == len(figures)
    for direction, splits in figures.items():
        turned = "-".join(sorted((direction.source, direction.target)))
        train, dev, test, source, target, empty = table.get(str(direction)) or table[turned]
        assert [splits[split].pairs for split in ("train", "dev", "test")] == [int(train), int(dev), int(test)]
        assert f"{splits['train'].source.words.mean:.1f}" == source
        assert f"{splits['train'].target.words.mean:.1f}" == target
        for split in splits.values():
            assert split.empty == int(empty)
            assert split.target.foreign_letters < 0.02 * split.target.letters
        assert splits["train"].duplicates.pairs == 0
        assert splits["dev"].overlap.sources == splits["test"].overlap.sources == 0  # as its README promises


def test_multi30k_has_one_caption_of_val_in_train():
    root = real("multi30k") / "data" / "task1" / "raw"
    data = DataConfig(
        format="moses", path=root, directions=["en-de"], splits=SplitNames(dev="val", test="test_2016_flickr")
    )
    corpus = Corpus(data)
    splits = measure(CorpusTexts(corpus, corpus.directions))[Direction("en", "de")]
    assert [splits[name].pairs for name in ("train", "dev", "test")] == [29_000, 1_014, 1_000]
    assert splits["dev"].overlap.sources == 1
