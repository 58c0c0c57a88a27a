"""Text to token files: what is kept, what is counted and what is written."""

from pathlib import Path

import pytest

from catscale.data.preparation.cleaning import Counts
from catscale.data.preparation.encoding import TaggedPair, encode_split, take_fitting
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
    found = encode_split(tagged, (folder / "s", folder / "t"), unchecked(Letters()), counts, longest)
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
