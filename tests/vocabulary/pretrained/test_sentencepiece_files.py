"""SentencePiece's model with the ids of M2M-100 or NLLB."""

import json
from pathlib import Path

import pytest
from transformers import M2M100Tokenizer, NllbTokenizer

from catscale.vocabulary.extension import tokenizer_of
from catscale.vocabulary.pretrained.sentencepiece_files import find_merges, read_nllb, read_vocabulary_file
from tests.model.nllb_folder import LINES, train_pieces
from tests.vocabulary.extension.base import ids_of
from tests.vocabulary.pretrained.folders import change_json, content_of, place

LANGUAGES = 202
TEXT = [*LINES, "Ein  Satz", "ﬁn", "</s> __en__ x"]


def test_m2m100_has_the_ids_of_its_own_tokenizer(tmp_path: Path) -> None:
    folder = place("m2m100", tmp_path)
    own = M2M100Tokenizer.from_pretrained(folder, split_special_tokens=True)
    content = read_vocabulary_file(folder, 349)
    assert ids_of(content, TEXT[:-1]) == own(TEXT[:-1], add_special_tokens=False).input_ids
    vocabulary = content["model"]["vocab"]
    assert {tag: vocabulary[tag] for tag in own.lang_token_to_id} == own.lang_token_to_id
    assert len(own.lang_token_to_id) == 100
    assert [vocabulary[f"madeupword{number}"] for number in range(8)] == list(range(341, 349))


def test_a_folder_of_wmt21_has_its_tags(tmp_path: Path) -> None:
    folder = place("m2m100", tmp_path)
    change_json(folder / "tokenizer_config.json", language_codes="wmt21")
    vocabulary = read_vocabulary_file(folder, 257)["model"]["vocab"]
    assert [tag for tag in vocabulary if tag.startswith("__")] == [
        f"__{code}__" for code in ("en", "ha", "is", "ja", "cs", "ru", "zh", "de")
    ]
    change_json(folder / "tokenizer_config.json", language_codes="wmt20")
    with pytest.raises(ValueError, match="language_codes 'wmt20', allowed are m2m100, wmt21"):
        read_vocabulary_file(folder, 257)


def test_pieces_without_an_id_are_made_of_smaller_ones(tmp_path: Path) -> None:
    folder = place("m2m100", tmp_path)
    ids = json.loads((folder / "vocab.json").read_text())
    assert "▁the" in ids
    kept = [token for token in ids if token != "▁the"]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(kept)}))
    content = read_vocabulary_file(folder, 348)
    found = tokenizer_of(content).encode("the the", add_special_tokens=False)
    assert "▁the" not in found.tokens
    assert "".join(found.tokens) == "▁the▁the"


def test_nllb_has_sentencepiece_s_ids_plus_one(tmp_path: Path) -> None:
    folder = place("nllb", tmp_path, "sentencepiece.bpe.model")
    content = read_nllb(folder, 241 + LANGUAGES + 3)
    own = NllbTokenizer.from_pretrained(folder)
    assert ids_of(content, TEXT[:-1]) == own(TEXT[:-1], add_special_tokens=False).input_ids
    assert ids_of(content, TEXT) == ids_of(content_of("nllb"), TEXT)
    vocabulary = content["model"]["vocab"]
    assert (vocabulary["ace_Arab"], vocabulary["zul_Latn"], vocabulary["<mask>"]) == (241, 442, 443)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model_type": "unigram", "size": 60}, r"is unigram, needed is plain bpe"),
        ({"byte_fallback": True, "size": 500}, r"is bpe with byte pieces, symbols of its user or other spaces"),
        ({"user_defined_symbols": ["@@"]}, r"needed is plain bpe"),
        ({"add_dummy_prefix": False}, r"needed is plain bpe"),
    ],
)
def test_another_model_of_sentencepiece_is_refused(tmp_path: Path, options, message: str) -> None:
    settings = {"size": 240, **options}
    (tmp_path / "sentencepiece.bpe.model").write_bytes(train_pieces(LINES, **settings))
    with pytest.raises(ValueError, match=message):
        read_nllb(tmp_path, 1000)


@pytest.mark.parametrize(("content", "message"), [("[]", "must hold keys"), ('{"a": "b"}', "valid integer")])
def test_a_damaged_list_of_pieces_is_refused(tmp_path: Path, content: str, message: str) -> None:
    folder = place("m2m100", tmp_path)
    (folder / "vocab.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_vocabulary_file(folder, 349)


def test_a_piece_that_is_written_as_a_tag_is_refused(tmp_path: Path) -> None:
    folder = place("m2m100", tmp_path)
    ids = json.loads((folder / "vocab.json").read_text())
    (folder / "vocab.json").write_text(json.dumps({**ids, "__en__": len(ids)}))
    with pytest.raises(ValueError, match="the piece '__en__' is called as a token that comes after"):
        read_vocabulary_file(folder, 349)


def test_merges_are_in_the_order_of_their_pieces() -> None:
    assert find_merges(["aa", "aaa", "a"]) == [("a", "a"), ("a", "aa"), ("aa", "a")]
    assert find_merges([]) == []
