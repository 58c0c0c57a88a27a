"""Which sacreBLEU tokenizer a target language is scored with."""

import re

from sacrebleu.metrics import BLEU

from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig

_BY_LANGUAGE = {
    **dict.fromkeys(["zh", "zho", "chi", "cmn", "yue", "wuu", "lzh"], "zh"),
    **dict.fromkeys(["ja", "jpn"], "ja-mecab"),
    **dict.fromkeys(["ko", "kor"], "ko-mecab"),
    # Written without spaces between words: 13a would compare whole clauses.
    **dict.fromkeys(["th", "tha", "lo", "lao", "km", "khm", "my", "mya", "bur", "bo", "bod", "dz", "dzo"], "char"),
}


def choose_tokenizer(language: str, settings: EvaluationConfig) -> str:
    """Name the sacreBLEU tokenizer for a target language.

    The settings come first, then the language: zh for Chinese, ja-mecab and ko-mecab where they are
    installed (char otherwise), char for scripts without spaces, 13a for all others.

    Args:
        language: ISO 639-1 or 639-3 code; what follows a hyphen or an underscore is ignored (`zho_Hans`,
            `zh-CN`).
        settings: `tokenizers`, by the code as it is written in the run.

    Raises:
        ConfigError: If the settings ask for a tokenizer that cannot be loaded.
    """
    asked = settings.tokenizers.get(language)
    if asked:
        problem = why_not(asked)
        if problem:
            raise ConfigError(
                f"the BLEU tokenizer {asked!r} for {language!r} cannot be loaded ({problem}); always available are "
                f"13a, intl, zh, char and none; install it or change evaluation.tokenizers.{language}"
            )
        return asked
    return fall_back(expected_tokenizer(language))


def expected_tokenizer(language: str) -> str:
    """The tokenizer for a language where everything is installed."""
    return _BY_LANGUAGE.get(re.split("[-_]", language)[0].lower(), "13a")


def fall_back(tokenizer: str) -> str:
    """The tokenizer itself, or `char` where it is not installed."""
    return "char" if why_not(tokenizer) else tokenizer


def why_not(tokenizer: str) -> str:
    """Why a tokenizer cannot be loaded; empty if it can."""
    try:
        BLEU(tokenize=tokenizer)
    except (RuntimeError, ImportError, OSError) as error:
        return " ".join(str(error).split())
    return ""
