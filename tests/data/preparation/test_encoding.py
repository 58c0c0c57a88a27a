"""Text to token files: what is kept, what is counted and what is written."""

import gc
from pathlib import Path

import numpy as np
import pytest

from catscale.data.preparation.cleaning import Counts
from catscale.data.preparation.encoding import TaggedPair, encode_split, in_columns, take_fitting
from catscale.data.store.token_files import TokenReader
from tests.unchecked import unchecked


class Letters:
    """A vocabulary of letters, of which `?` is unknown and `_` is none."""

    size = 200
    unk_id = 3

    def encode(self, lines):
        return [[3 if letter == "?" else ord(letter) for letter in line if letter != "_"] for line in lines]

    def gives_back(self, lines, sequences):
        return [line == "".join(map(chr, ids)) for line, ids in zip(lines, sequences, strict=True)]


def encode(pairs, folder, longest):
    counts = Counts(read=len(pairs))
    tagged = [pair if len(pair) == 3 else (*pair, None) for pair in pairs]
    found = encode_split(in_columns(tagged), (folder / "s", folder / "t"), unchecked(Letters()), counts, longest)
    readers = [TokenReader(folder / side, 200) for side in "st"]
    ids = [["".join(map(chr, reader[i])).replace("\x03", "?") for i in range(len(reader))] for reader in readers]
    return found, counts, list(zip(*ids, strict=True))


def test_train_drops_what_has_no_piece_or_too_many(tmp_path: Path) -> None:
    pairs = [("abc", "d"), ("abcd", "d"), ("a", "____"), ("_", "b"), ("a?", "??b"), ("a", "abcd")]
    found, counts, written = encode(pairs, tmp_path, 3)
    assert written == [("abc", "d"), ("a?", "??b")]
    assert found == {"source_tokens": 5, "target_tokens": 4, "source_unknown": 1, "target_unknown": 2}
    assert (counts.dropped["empty"], counts.dropped["too_long"], counts.kept) == (2, 2, 2)
    assert {path.name for path in tmp_path.iterdir()} == {"s.ids", "s.offsets", "t.ids", "t.offsets"}


def test_a_tag_stands_before_the_source_and_does_not_count_as_length(tmp_path: Path) -> None:
    found, counts, written = encode([("abc", "def", 100), ("g", "h", None)], tmp_path, 3)
    assert written == [("dabc", "def"), ("g", "h")]
    assert (counts.kept, found["source_tokens"], found["target_tokens"]) == (2, 5, 4)


def test_dev_keeps_long_pairs_with_their_text(tmp_path: Path) -> None:
    pairs = [("a" * 50, "b?"), ("_", "x"), ("c_", "d_")]
    found, counts, written = encode(pairs, tmp_path, None)
    assert written == [("a" * 50, "b?"), ("c", "d")]
    assert (tmp_path / "s.txt").read_text() == "a" * 50 + "\nc_\n"
    assert (tmp_path / "t.txt").read_text() == "b?\nd_\n"
    assert found["unwritable_targets"] == 2  # neither `b?` nor `d_` comes back
    assert (counts.dropped["empty"], counts.dropped["too_long"]) == (1, 0)


def test_nothing_makes_empty_files(tmp_path: Path) -> None:
    found, _, written = encode([], tmp_path, 5)
    assert written == []
    assert set(found.values()) == {0}


@pytest.mark.parametrize(("wanted", "kept"), [(0, ""), (1, "a"), (2, "ac"), (9, "ace")])
def test_pairs_beyond_the_limit_take_the_place_of_others(wanted: int, kept: str) -> None:
    pairs: list[TaggedPair] = [(source, "x", None) for source in ("a", "_", "c", "dddd", "e")]
    counts = Counts(read=5)
    counts.dropped["limit"] = 5
    found = list(take_fitting(pairs, wanted, unchecked(Letters()), counts, 3))
    assert "".join(source for source, *_ in found) == kept
    assert counts.kept == len(found)
    looked_at = pairs.index(found[-1]) + 1 if 0 < wanted <= len(found) else 5 if wanted else 0
    assert counts.dropped["limit"] == 5 - looked_at


def plain(pairs, longest):
    """Encode pair by pair, as the definition says: the reference."""
    kept = []
    for source, target, tag in pairs:
        a, b = Letters().encode([source, target])
        if a and b and (longest is None or max(len(a), len(b)) <= longest):
            kept.append(([*([] if tag is None else [tag]), *a], b))
    return kept


@pytest.mark.parametrize("longest", [None, 4])
def test_the_files_are_those_of_pair_by_pair_whatever_the_chunks(longest: int | None, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pairs: list[TaggedPair] = [
        ("".join(rng.choice(list("ab?_"), rng.integers(1, 7))), "".join(rng.choice(list("cd?_"), 4)), tag)
        for tag in rng.choice([100, None], 250)
    ]
    written = {}
    for size in (1, 7, 250):
        folder = tmp_path / str(size)
        folder.mkdir()
        chunks = (column for start in range(0, 250, size) for column in in_columns(pairs[start : start + size]))
        counts = Counts(read=250)
        encode_split(chunks, (folder / "s", folder / "t"), unchecked(Letters()), counts, longest)
        written[size] = {path.name: path.read_bytes() for path in folder.iterdir()}, counts
        expected = plain(pairs, longest)
        assert counts.kept == len(expected)
        for side, ending in enumerate("st"):
            ids = np.fromfile(folder / f"{ending}.ids", np.uint16).tolist()
            assert ids == [i for pair in expected for i in pair[side]]
            ends = np.fromfile(folder / f"{ending}.offsets", np.int64)
            assert np.diff(ends).tolist() == [len(pair[side]) for pair in expected]
    assert written[1] == written[7] == written[250]


def test_python_looks_for_cycles_again_afterwards_as_before(tmp_path: Path) -> None:
    assert gc.isenabled()
    seen: list[bool] = []

    class Watching(Letters):
        def encode(self, lines):
            seen.append(gc.isenabled())
            return super().encode(lines)

    columns = in_columns([("a", "b", None)])
    encode_split(columns, (tmp_path / "s", tmp_path / "t"), unchecked(Watching()), Counts(), 3)
    assert seen == [False, False]
    assert gc.isenabled()
    gc.disable()
    try:
        encode_split(iter(()), (tmp_path / "u", tmp_path / "v"), unchecked(Letters()), Counts(), 3)
        assert not gc.isenabled()
    finally:
        gc.enable()
