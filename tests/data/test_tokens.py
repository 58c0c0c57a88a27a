import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data.tokens import TokenReader, TokenWriter, id_type


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
    assert writer.tokens == sum(map(len, sentences))
    with pytest.raises(IndexError, match=f"sentence {len(reader)} of {len(reader)}"):
        reader[len(reader)]


def test_ids_are_as_narrow_as_they_can_be():
    assert id_type(65_536) is np.uint16
    assert id_type(65_537) is np.int32
