"""SentencePiece models of any kind, for tests of what is taken of them."""

from io import BytesIO

import sentencepiece

from tests.data.test_round_trip import ODD
from tests.data.toy_corpora import sentences

LINES = [line for language in ("en", "de", "az") for line in sentences(language, 300)] + ODD
ORDER = {"bos_id": 0, "pad_id": 1, "eos_id": 2, "unk_id": 3}


def train(**options) -> bytes:
    model = BytesIO()
    settings = {"model_type": "bpe", "vocab_size": 700, "minloglevel": 2, **ORDER, **options}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(LINES), model_writer=model, **settings)
    return model.getvalue()
