import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from catscale.corpus_statistics.split import Block, SplitCounter
from catscale.data import CleaningConfig, Direction
from catscale.data.preparation.cleaning import REASONS, Cleaner
from catscale.data.preparation.hashing import hash_sentences

LINE = st.text(st.sampled_from("aAbß Я\u3000\t7"), max_size=12) | st.sampled_from(["Straße", "STRASSE ", "a  b", "A B"])
PAIRS = st.lists(st.tuples(LINE, LINE), max_size=30)
EN_DE = Direction("en", "de")


def figures_of(pairs, size=7, rules=None, pieces=False):
    counter = SplitCounter(EN_DE, rules)
    for start in range(0, len(pairs), size):
        block = pairs[start : start + size]
        sources, targets = (np.array([len(pair[side]) // 2 for pair in block], np.int32) for side in (0, 1))
        counter.add(Block(block, (sources, targets) if pieces else None))
    return counter.figures()


def untranslated(pair) -> bool:
    source, target = (" ".join(side.split()).casefold() for side in pair)
    return source == target


@given(pairs=PAIRS, size=st.integers(1, 9))
@example(pairs=[("Straße", "STRASSE "), ("a  b", "A B"), ("", "x"), (" ", "\u3000")], size=2)
def test_every_figure_is_that_of_the_obvious_loop(pairs, size):
    found = figures_of(pairs, size, CleaningConfig(max_length=2, max_ratio=1.5), pieces=True)
    full = [pair for pair in pairs if pair[0].strip() and pair[1].strip()]
    assert (found.read, found.pairs, found.empty) == (len(pairs), len(full), len(pairs) - len(full))
    for place, side in enumerate((found.source, found.target)):
        lines = [pair[place] for pair in full]
        assert side.empty == sum(not pair[place].strip() for pair in pairs)
        assert side.words.total == sum(len(line.split()) for line in lines)
        assert side.characters.total == sum(map(len, lines))
        assert side.foreign_letters == sum(line.count("Я") for line in lines)
        if full:
            assert side.pieces.total == sum(len(line) // 2 for line in lines)
            assert side.words.longest == max(len(line.split()) for line in lines)
        stripped = [line.strip() for line in lines]
        repeated = (found.duplicates.sources, found.duplicates.targets)[place]
        assert repeated == len(lines) - len(set(stripped))
    assert found.duplicates.pairs == len(full) - len({(s.strip(), t.strip()) for s, t in full})
    assert found.duplicates.sampled == 1
    assert found.untranslated == sum(map(untranslated, full))
    assert found.ratio.words == (found.target.words.total / found.source.words.total if full else None)
    assert found.ratio.characters == (found.target.characters.total / found.source.characters.total if full else None)


@given(pairs=PAIRS)
@example(pairs=[("a " * 3, "b"), ("a" * 41, "b" * 20), ("a", "b")])
def test_cleaning_would_drop_what_is_counted(pairs):
    rules = CleaningConfig(max_length=2, max_ratio=1.5, drop_duplicates=False)
    found, cleaner = figures_of(pairs, 7, rules), Cleaner(rules, EN_DE)
    assert sum(len(chunk.pairs) for chunk in cleaner.clean(pairs)) == cleaner.counts.kept
    counted = {"empty": found.empty, "too_long": found.too_long, "length_ratio": found.unbalanced}
    assert dict.fromkeys(REASONS, 0) | counted == cleaner.counts.dropped


def test_dev_and_test_are_not_tried_on_cleaning_and_without_a_vocabulary_there_are_no_pieces():
    found = figures_of([("a b c", "d")])
    assert (found.too_long, found.unbalanced, found.ratio.pieces) == (None, None, None)
    assert found.source.pieces is found.target.pieces is found.overlap is None


def test_a_language_without_known_scripts_has_no_wrong_ones():
    counter = SplitCounter(Direction("xx", "ru"))
    counter.add(Block([("щ a", "щ a")]))
    found = counter.figures()
    assert (found.source.scripts, found.source.foreign_letters, found.source.foreign_lines) == ((), None, None)
    assert (found.target.scripts, found.target.foreign_letters, found.target.foreign_lines) == (("Cyrl",), 1, 0)


def test_hashes_are_of_the_pairs_with_two_sides():
    sources, targets, stream = SplitCounter(EN_DE).add(Block([("a", "x"), ("", "y"), ("b", "z")]))
    assert sources.tolist() == hash_sentences("en", ["a", "b"]).tolist()
    assert targets.tolist() == hash_sentences("de", ["x", "z"]).tolist()
    assert stream.tolist() == [0, 2]
