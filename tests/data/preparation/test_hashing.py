from hashlib import blake2b

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from catscale.data.preparation.hashing import (
    NONE,
    HashFile,
    SeenHashes,
    SmallestHashes,
    combine,
    distinct_pieces,
    hash_sentences,
    is_in,
)

NUMBERS = st.lists(st.integers(0, 40), max_size=30)


@given(chunks=st.lists(NUMBERS, max_size=12))
def test_first_occurrences_as_a_set_finds_them(chunks):
    seen, known = SeenHashes(), set()
    for chunk in chunks:
        expected = []
        for number in chunk:
            expected.append(number not in known)
            known.add(number)
        assert seen.add(np.array(chunk, np.uint64)).tolist() == expected


@given(chunks=st.lists(NUMBERS, max_size=12), most=st.integers(1, 9))
def test_the_smallest(chunks, most):
    smallest = SmallestHashes(most)
    for chunk in chunks:
        smallest.add(np.array(chunk, np.uint64))
    assert smallest.ordered().tolist() == sorted({number for chunk in chunks for number in chunk})[:most]


@given(chunks=st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=30), max_size=12), most=st.integers(1, 9))
def test_distinct_ones_piece_by_piece(chunks, most):
    chunks.append([0, 2**64 - 1, 0])
    pieces = list(distinct_pieces([np.array(chunk, np.uint64) for chunk in chunks], most))
    assert np.concatenate(pieces).tolist() == sorted({number for chunk in chunks for number in chunk})
    assert len(pieces) == max(1, -(-sum(map(len, chunks)) // most))


@given(values=NUMBERS, members=NUMBERS)
def test_membership(values, members):
    ordered = np.unique(np.array(members, np.uint64))
    assert is_in(np.array(values, np.uint64), ordered).tolist() == [value in members for value in values]


def test_hashes_are_fixed_and_know_their_language():
    hashes = hash_sentences("en", ["a", " a ", "b"])
    assert hashes[0] == hashes[1] != hashes[2]
    digest = blake2b(b"en\ta", digest_size=8).digest()
    assert hashes[0] == int.from_bytes(digest, "little") == 8421776451361279136  # of no process, no machine
    assert hash_sentences("de", ["a"])[0] != hashes[0]
    assert hash_sentences("en", []).size == NONE.size


def test_a_pair_is_not_its_reverse():
    a, b = hash_sentences("en", ["a", "b"])
    assert combine(np.array([a]), np.array([b])) != combine(np.array([b]), np.array([a]))


def test_hashes_in_a_file(tmp_path):
    hashes = hash_sentences("en", map(str, range(100)))
    (tmp_path / "hashes").write_bytes(hashes.tobytes())
    (tmp_path / "none").write_bytes(b"")
    file = HashFile(tmp_path / "hashes")
    assert file.size == 100
    for part in (slice(0, 100), slice(7, 9), slice(90, 200), slice(200, 300)):
        assert file[part].tolist() == hashes[part].tolist()
    assert np.concatenate(list(distinct_pieces([file, HashFile(tmp_path / "none")], 30))).tolist() == sorted(hashes)
