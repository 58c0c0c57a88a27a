"""The Hugging Face tokenizer of a model, and the tokens that stand for languages."""

import pytest

from catscale.vocabulary.huggingface import MASK, build_tokenizer, language_of, tag_of
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import sentences

LINES = sentences("en", 200) + sentences("de", 200)


@pytest.mark.parametrize("language", ["en", "pt_BR", "zh_Hans", "a", "a__b", "_"])
def test_a_tag_tells_its_language(language):
    assert language_of(tag_of(language)) == language


def test_a_tag_is_written_so():
    assert tag_of("pt_BR") == "__pt_BR__"
    assert MASK == "<mask>"


@pytest.fixture(scope="module")
def vocabulary():
    return train_vocabulary(SentencePieceSettings(size=100), LINES, ["de", "en"])


@pytest.fixture(scope="module")
def tokenizer(vocabulary):
    return build_tokenizer(vocabulary.model, ["de", "en"])


def test_ids_are_those_of_sentencepiece(vocabulary, tokenizer):
    assert tokenizer(LINES, add_special_tokens=False).input_ids == vocabulary.encode(LINES)
    assert len(tokenizer) == vocabulary.size


def test_special_tokens_stand_where_the_model_has_them(tokenizer):
    found = [tokenizer.convert_tokens_to_ids(token) for token in ("<s>", "<pad>", "</s>", "<unk>", MASK)]
    assert found == [0, 1, 2, 3, 100]
    assert [tokenizer.convert_tokens_to_ids(tag_of(language)) for language in ("de", "en")] == [101, 102]


def test_the_languages_of_source_and_target_are_known(tokenizer):
    assert (tokenizer.src_lang, tokenizer.tgt_lang) == ("__de__", "__en__")
    ids = tokenizer("red").input_ids
    assert (ids[0], ids[-1]) == (101, 2)  # the tag and </s>
    assert tokenizer(text_target="red").input_ids[0] == 102


@pytest.mark.parametrize("text", ["</s>", "__en__", MASK, "<pad> <s>"])
def test_what_a_user_types_stays_text(tokenizer, text):
    assert not {0, 1, 2, 100, 101, 102} & set(tokenizer(text, add_special_tokens=False).input_ids)
