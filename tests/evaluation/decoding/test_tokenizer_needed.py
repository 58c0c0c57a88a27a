"""A vocabulary without a Hugging Face tokenizer is decoded by transformers' `generate` alone."""

from pathlib import Path

import pytest

from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.choice import settle_search
from catscale.vocabulary.sentencepiece import SentencePieceVocabulary
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary


@pytest.mark.parametrize("asked", ["auto", "huggingface", "ctranslate2"])
def test_the_backend_is_chosen_where_the_settings_leave_it_open(asked: str) -> None:
    pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed: pip install 'catscale[fast]'")
    settings = EvaluationConfig.model_validate({"backend": asked})
    assert settle_search(settings).backend == ("ctranslate2" if asked == "auto" else asked)
    assert settle_search(settings, has_tokenizer=False).backend == ("huggingface" if asked == "auto" else asked)


def test_a_precision_that_ctranslate2_alone_has_stays_asked_for() -> None:
    pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed: pip install 'catscale[fast]'")
    settings = EvaluationConfig(precision="int8")
    settled = settle_search(settings, has_tokenizer=False)
    assert (settled.backend, settled.precision) == ("ctranslate2", "int8")  # whose conversion says what is missing


def test_a_conversion_without_a_tokenizer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed: pip install 'catscale[fast]'")
    from catscale.evaluation.decoding.ctranslate2 import convert_model

    train_vocabulary(SentencePieceSettings(size=20), ["one two three four"] * 9, ["en"]).save(tmp_path)
    monkeypatch.setattr(SentencePieceVocabulary, "has_tokenizer", False)
    with pytest.raises(ConfigError, match=r"kind sentencepiece, has none; decode with --set evaluation\.backend=hugg"):
        convert_model(tmp_path, tmp_path / "converted")
