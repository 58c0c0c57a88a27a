"""SentencePiece models that exist: which are taken, and why others are not."""

from io import BytesIO
from typing import Any

import pytest
import sentencepiece

from catscale.errors import DataError
from catscale.vocabulary.existing_model import load_piece_model
from catscale.vocabulary.piece_model import read_model
from catscale.vocabulary.sentencepiece import SentencePieceVocabulary
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import sentences
from tests.vocabulary.models import ORDER, train

LINES = [line for language in ("en", "de", "az") for line in sentences(language, 300)]


@pytest.fixture(scope="module")
def vocabulary() -> SentencePieceVocabulary:
    return train_vocabulary(SentencePieceSettings(size=200), LINES, ["az", "de", "en"])


def test_existing_models(vocabulary, tmp_path):
    (tmp_path / "good").write_bytes(vocabulary.model)
    assert load_piece_model(tmp_path / "good", ["en"]).model == vocabulary.model
    (tmp_path / "bad").write_bytes(b"no model")
    with pytest.raises(DataError, match=r"vocabulary\.path .*bad is no readable SentencePiece model"):
        load_piece_model(tmp_path / "bad", ["en"])
    import sentencepiece

    prefix = str(tmp_path / "other")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_prefix=prefix, model_type="bpe", vocab_size=150, minloglevel=2
    )
    with pytest.raises(DataError, match=r"has <s>, <pad>, </s>, <unk> at \(1, -1, 2, 0\), needed are \(0, 1, 2, 3\)"):
        load_piece_model(tmp_path / "other.model", ["en"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"model_type": "unigram", "vocab_size": 230},
            r"is a unigram model, needed is a BPE model.*train it with --model_type=bpe",
        ),
        ({"model_type": "char"}, "is a char model, needed is a BPE model"),
        ({"model_type": "word", "vocab_size": 60}, "is a word model, needed is a BPE model"),
        (
            {"byte_fallback": True, "vocab_size": 900},
            "has byte pieces, which the Hugging Face tokenizer of a run cannot",
        ),
        ({"user_defined_symbols": "<sep>,XYZ"}, "has user-defined symbols such as '<sep>', which"),
        ({"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}, r"has <s>, .* at \(1, -1, 2, 0\), needed are \(0, 1"),
        (
            {"bos_piece": "<S>", "eos_piece": "[END]"},
            r"calls its first pieces <S>, <pad>, \[END\], <unk>, needed are <s>",
        ),
        ({"add_dummy_prefix": False}, "writes spaces otherwise than before each word, which"),
        ({"treat_whitespace_as_suffix": True}, "writes spaces otherwise than before each word, which"),
    ],
)
def test_models_that_transformers_would_cut_otherwise(tmp_path, options, message):
    (tmp_path / "given").write_bytes(train(**options))
    with pytest.raises(DataError, match=rf"vocabulary\.path .*given {message}"):
        load_piece_model(tmp_path / "given", ["en"])


def test_a_piece_that_is_a_tag(tmp_path):
    lines = [f"{'qq' * (n % 4)} Zenz ZenZ Zen" for n in range(40)] * 3
    model = BytesIO()
    options: dict[str, Any] = {
        "model_type": "bpe",
        "vocab_size": 40,
        "minloglevel": 2,
        "hard_vocab_limit": False,
        **ORDER,
    }
    options |= {"split_by_unicode_script": False, "add_dummy_prefix": False}  # refused too, but later
    text = [line.replace("Zen", "__en__") for line in lines]
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(text), model_writer=model, **options)
    assert "__en__" in read_model(model.getvalue()).pieces
    (tmp_path / "given").write_bytes(model.getvalue())
    with pytest.raises(
        DataError, match=r"given has the pieces __en__, which catscale adds itself; train it without them"
    ):
        load_piece_model(tmp_path / "given", ["en"])
    with pytest.raises(DataError, match="writes spaces otherwise"):
        load_piece_model(tmp_path / "given", ["fr"])


@pytest.mark.parametrize("content", [b"", b"no model", b"\xff" * 99, b'{"a": 1}'])
def test_no_model(tmp_path, content):
    (tmp_path / "given").write_bytes(content)
    with pytest.raises(
        DataError, match=r"vocabulary\.path .*given is no readable SentencePiece model: it is (none|empty)"
    ):
        load_piece_model(tmp_path / "given", ["en"])
    with pytest.raises(DataError, match="is no readable SentencePiece model"):
        load_piece_model(tmp_path, ["en"])
