"""What of a tokenizer.json can be extended, and what is refused."""

import pytest

from catscale.errors import DataError
from catscale.vocabulary.extension.content import BpeContent
from tests.vocabulary.extension.base import make_content


def test_merges_are_read_in_both_ways_of_writing():
    content = make_content()
    old = content | {"model": content["model"] | {"merges": [" ".join(pair) for pair in content["model"]["merges"]]}}
    assert BpeContent(old).merges == BpeContent(content).merges


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "Unigram"}, r"must hold a BPE model .* found 'Unigram'"),
        ({"unk_token": None}, r"found 'BPE' with None"),
        ({"byte_fallback": True}, r"must be without byte_fallback, found True"),
        ({"dropout": 0.1}, r"must be without dropout, found 0.1"),
        ({"merges": [["a", "☃"]]}, r"merges 'a' and '☃', which are not all pieces"),
    ],
)
def test_other_models_are_refused(change, message):
    content = make_content()
    with pytest.raises(DataError, match=message):
        BpeContent(content | {"model": content["model"] | change})


def test_no_model_is_refused():
    with pytest.raises(DataError, match="found None"):
        BpeContent({})


def test_ids_with_a_gap_are_refused():
    content = make_content()
    content["model"]["vocab"]["a"] = 1000
    with pytest.raises(DataError, match=r"must be 0 to 92, each once, found none with \d+"):
        BpeContent(content)
