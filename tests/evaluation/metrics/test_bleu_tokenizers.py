import pytest

from catscale.errors import ConfigError
from catscale.evaluation.metrics import bleu_tokenizers as tokenizers
from catscale.evaluation.metrics.bleu_tokenizers import choose_tokenizer, expected_tokenizer

EXPECTED = {
    "13a": ["de", "az", "jav"],
    "zh": ["zh", "zh-CN", "zh_TW", "zho_Hans", "ZHO"],
    "ja-mecab": ["ja", "jpn", "jpn_Jpan"],
    "ko-mecab": ["ko", "kor"],
    "char": ["th", "khm_Khmr"],
}


@pytest.mark.parametrize(("tokenizer", "language"), [(t, code) for t, codes in EXPECTED.items() for code in codes])
def test_the_language_decides(language, tokenizer):
    assert expected_tokenizer(language) == tokenizer


@pytest.mark.parametrize("language", ["ja", "kor_Hang"])
def test_without_mecab_characters_are_compared(language, monkeypatch):
    monkeypatch.setattr(tokenizers, "why_not", lambda name: "not installed" if "mecab" in name else "")
    assert choose_tokenizer(language) == "char"


def test_with_mecab_it_is_used(monkeypatch):
    monkeypatch.setattr(tokenizers, "why_not", lambda name: "")
    assert choose_tokenizer("ja") == "ja-mecab"


def test_the_settings_come_first():
    assert choose_tokenizer("de", "intl") == "intl"


def test_a_missing_tokenizer_that_was_asked_for_is_an_error(monkeypatch):
    def missing(kind, tokenize):
        raise RuntimeError("\nJapanese tokenization requires\nextra dependencies")

    monkeypatch.setattr(tokenizers, "make", missing)
    with pytest.raises(ConfigError, match=r"'ja-mecab' for 'ja' cannot be loaded \(Japanese tokenization requires"):
        choose_tokenizer("ja", "ja-mecab")
