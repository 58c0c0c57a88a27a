import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data.direction import Direction
from catscale.data.store import token_files as tokens
from catscale.data.store.store import Pairs
from catscale.data.store.token_files import TokenReader, TokenWriter, id_type
from catscale.errors import DataError


@pytest.mark.parametrize("size", [2**16, 2**16 + 1])
@given(chunks=st.lists(st.lists(st.lists(st.integers(0, 2**16 - 1), max_size=5), max_size=4), max_size=4))
def test_sentences_survive(chunks, size, tmp_path_factory):
    stem = tmp_path_factory.mktemp("tokens") / "train.en-de.source"
    with TokenWriter(stem, size) as writer:
        for chunk in chunks:
            writer.append(chunk)
    sentences = [ids for chunk in chunks for ids in chunk]
    reader = TokenReader(stem, size)
    assert [reader[i].tolist() for i in range(len(reader))] == sentences
    assert reader.lengths().tolist() == [len(ids) for ids in sentences]
    assert reader.lengths().dtype == np.int32
    numbers = np.arange(len(sentences))[::-2]
    taken = reader.take(numbers)
    assert taken.ids.tolist() == [token for n in numbers for token in sentences[n]]
    assert taken.lengths.tolist() == [len(sentences[n]) for n in numbers]
    assert writer.tokens == sum(map(len, sentences))
    with pytest.raises(IndexError, match=f"sentence {len(reader)} of {len(reader)}"):
        reader[len(reader)]
    with pytest.raises(IndexError, match=f"sentences -1 to {len(reader)} of {len(reader)}"):
        reader.take(np.array([len(reader), -1]))


def test_ids_are_as_narrow_as_they_can_be():
    assert id_type(65_536) is np.uint16
    assert id_type(65_537) is np.int32


@pytest.mark.parametrize(
    ("ids", "offsets", "message"),
    [
        ([1, 2, 3], [], "do not begin at 0 and end at its 3 ids"),
        ([1, 2, 3], [1, 3], "do not begin at 0"),
        ([1, 2, 3], [0, 4], "do not begin at 0 and end at its 3 ids"),
        ([1, 2, 3], [0, 2**62], "do not begin at 0 and end"),
        ([1, 2, 3], [0, 2, 1, 3], "do not ascend"),
        ([1, 2, 3], [0, -5, 3], "do not ascend"),
        ([], [0, 0, 0], None),
    ],
)
def test_positions_that_are_none(tmp_path, ids, offsets, message, monkeypatch):
    """In a store that came from elsewhere, whose checksums are right."""
    monkeypatch.setattr(tokens, "CHUNK", 2)
    np.array(ids, np.uint16).tofile(tmp_path / "x.ids")
    np.array(offsets, np.int64).tofile(tmp_path / "x.offsets")
    if message is None:
        assert len(TokenReader(tmp_path / "x", 100)) == 2
    else:
        with pytest.raises(DataError, match=rf"is no token store \(x: its positions {message}.*; delete it"):
            TokenReader(tmp_path / "x", 100)


@pytest.mark.parametrize(
    ("size", "kind", "found"), [(100, np.uint16, 100), (2**17, np.int32, 2**17), (2**17, np.int32, -1)]
)
def test_ids_that_the_vocabulary_has_not(tmp_path, size, kind, found):
    np.array([1, found, 3], kind).tofile(tmp_path / "x.ids")
    np.array([0, 1, 3], np.int64).tofile(tmp_path / "x.offsets")
    reader = TokenReader(tmp_path / "x", size)
    assert reader[0].tolist() == [1]
    with pytest.raises(DataError, match=rf"x: sentence 2 holds .*, and the vocabulary ids below {size}\); delete it"):
        reader[1]
    assert reader.take(np.array([0, 0])).ids.tolist() == [1, 1]
    with pytest.raises(DataError, match=rf"x: sentence 2 holds .*, and the vocabulary ids below {size}\); delete it"):
        reader.take(np.array([0, 1]))


def test_half_a_number(tmp_path):
    (tmp_path / "x.ids").write_bytes(b"123")
    with pytest.raises(DataError, match=r"x\.ids has half a number at its end"):
        TokenReader(tmp_path / "x", 100)


def test_sources_targets_and_texts_are_as_many(tmp_path):
    direction = Direction("en", "de")
    for side, sentences in (("source", [[1], [2]]), ("target", [[1], [2], [3]])):
        with TokenWriter(tmp_path / f"dev.en-de.{side}", 10) as writer:
            writer.append(sentences)
    with pytest.raises(DataError, match=r"\(dev\.en-de has 2 sources and 3 targets\); delete it and prepare again"):
        Pairs(tmp_path, "dev", direction, 10)
    for file in tmp_path.glob("dev.en-de.source.*"):
        file.with_name(file.name.replace("source", "target")).write_bytes(file.read_bytes())
    pairs = Pairs(tmp_path, "dev", direction, 10)
    (tmp_path / "dev.en-de.source.txt").write_text("a\n")
    with pytest.raises(DataError, match=r"\(dev\.en-de\.source\.txt has 1 lines for 2 pairs\); delete it"):
        pairs.source_text()
    (tmp_path / "dev.en-de.target.txt").write_bytes(b"a\n\xff\n")
    with pytest.raises(DataError, match=r"dev\.en-de\.target\.txt: 'utf-8' codec can't decode byte 0xff"):
        pairs.target_text()
    (tmp_path / "dev.en-de.target.txt").write_text("a\n\n")
    assert pairs.target_text() == ["a", ""]
