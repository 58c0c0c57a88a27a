"""A panic is an error, and what is none goes on as it is."""

import pytest

from catscale.errors import DataError
from catscale.vocabulary.pretrained.panics import panics_told
from catscale.vocabulary.pretrained.vocabulary import PretrainedVocabulary
from tests.unchecked import unchecked
from tests.vocabulary.pretrained.folders import content_of


class PanicException(BaseException):
    """Is called as the library's."""


def test_a_panic_becomes_an_error() -> None:
    with pytest.raises(ValueError, match=r"its rule for text is damaged \(index out of bounds\)"), panics_told():
        raise PanicException("index out of bounds")


@pytest.mark.parametrize("error", [KeyboardInterrupt, KeyError])
def test_others_go_on(error: type[BaseException]) -> None:
    with pytest.raises(error), panics_told():
        raise error


def test_a_vocabulary_tells_of_it() -> None:
    class Panicking:
        """Panics on each text."""

        def encode_batch_fast(self, *arguments: object, **options: object) -> None:
            raise PanicException("no such place")

    vocabulary = PretrainedVocabulary(content_of("nllb"), {"en": "eng_Latn"})
    unchecked(vocabulary)._tokenizer = Panicking()
    with pytest.raises(
        DataError, match=r"the vocabulary cannot cut text: its rule for text is damaged \(no such place"
    ):
        vocabulary.encode(["the cat"])
