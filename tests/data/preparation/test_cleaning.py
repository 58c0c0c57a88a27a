import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data import CleaningConfig, Direction
from catscale.data.preparation import cleaning as module
from catscale.data.preparation.cleaning import REASONS, Cleaner, Counts, drop_empty
from catscale.data.preparation.hashing import hash_sentences

EN_DE = Direction("en", "de")


def clean(pairs, held_out=(), forbidden=(), limit=None, **settings):
    held, barred = (np.sort(hash_sentences("en", sorted(texts))) for texts in (held_out, forbidden))
    cleaner = Cleaner(CleaningConfig(**settings), EN_DE, held, barred, limit)
    chunks = list(cleaner.clean(pairs))
    kept = [pair for chunk in chunks for pair in chunk.pairs]
    for chunk in chunks:
        assert chunk.sources.tolist() == hash_sentences("en", [source for source, _ in chunk.pairs]).tolist()
        assert chunk.targets.tolist() == hash_sentences("de", [target for _, target in chunk.pairs]).tolist()
    assert cleaner.counts.kept == len(kept)
    return kept, cleaner.counts


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (("", "x"), "empty"),
        (("x", " \u3000\t"), "empty"),
        (("w " * 5, "x x x x x"), "too_long"),
        (("w" * 41, "x x"), "length_ratio"),
        (("w" * 40, "x"), None),
        (("w w w w", "x"), None),
        (("same", "same"), "duplicate"),
    ],
)
def test_reasons(pair, reason):
    kept, counts = clean([("same", "same"), pair], max_length=4)
    assert (pair in kept[1:]) == (reason is None)
    assert {name: n for name, n in counts.dropped.items() if n} == ({reason: 1} if reason else {})


def test_overlap_is_counted_and_dropped_only_when_forbidden():
    pairs = [("a", "1"), ("b", "2"), ("c", "3")]
    assert clean(pairs, held_out=["b", "c"])[0] == pairs
    assert clean(pairs, held_out=["b", "c"])[1].overlap == 2
    kept, counts = clean(pairs, held_out=["b", "c"], forbidden=["b"])
    assert kept == [pairs[0], pairs[2]]
    assert (counts.overlap, counts.dropped["overlap"]) == (2, 1)


def test_a_target_that_is_a_held_out_source_overlaps():
    held_out = hash_sentences("de", ["1"])
    cleaner = Cleaner(CleaningConfig(), EN_DE, held_out, held_out)
    assert [chunk.pairs for chunk in cleaner.clean([("a", "1"), ("1", "b")])] == [[("1", "b")]]


@given(
    pairs=st.lists(st.tuples(st.sampled_from(["a", "b", "", "c c c"]), st.sampled_from(["x", "y y y", "z"]))),
    limit=st.none() | st.integers(1, 5),
    chunk=st.integers(1, 7),
)
def test_chunks_do_not_matter_and_all_pairs_are_counted(pairs, limit, chunk):
    expected = clean(pairs, limit=limit, max_length=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        kept, counts = clean(pairs, limit=limit, max_length=2)
    assert (kept, counts) == expected
    assert counts.read == len(pairs)
    unlimited = list(dict.fromkeys(p for p in pairs if p[0] and p[0] != "c c c" and p[1] != "y y y"))
    assert kept == unlimited[:limit]


def test_duplicates_may_stay():
    assert len(clean([("a", "b")] * 3, drop_duplicates=False)[0]) == 3


def test_dev_keeps_everything_with_two_sides():
    counts = Counts()
    pairs = [("a", "b"), ("a", "b"), ("w " * 999, "x"), ("", "b")]
    assert list(drop_empty(pairs, counts)) == pairs[:3]
    assert (counts.read, counts.kept, counts.dropped["empty"]) == (4, 3, 1)
    assert tuple(counts.dropped) == REASONS
