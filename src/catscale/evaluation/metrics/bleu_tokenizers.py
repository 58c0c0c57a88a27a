"""The sacreBLEU tokenizer that a target language is scored with."""

import re
from typing import Literal

from catscale.errors import ConfigError
from catscale.evaluation.metrics.sacrebleu_api import make

BleuTokenizer = Literal["13a", "intl", "zh", "char", "none", "ja-mecab", "ko-mecab", "flores101", "flores200"]

_BY_LANGUAGE = {
    **dict.fromkeys(["zh", "zho", "chi", "cmn", "yue", "wuu", "lzh"], "zh"),
    **dict.fromkeys(["ja", "jpn"], "ja-mecab"),
    **dict.fromkeys(["ko", "kor"], "ko-mecab"),
    # Written without spaces between words: 13a would compare whole clauses.
    **dict.fromkeys(["th", "tha", "lo", "lao", "km", "khm", "my", "mya", "bur", "bo", "bod", "dz", "dzo"], "char"),
}


def choose_tokenizer(language: str, asked: str | None = None) -> str:
    """Name the sacreBLEU tokenizer for a target language.

    What is asked for comes first, then the language: zh for Chinese, ja-mecab and ko-mecab where they are
    installed (char otherwise), char for scripts without spaces, 13a for all others.

    Args:
        language: ISO 639-1 or 639-3 code; what follows a hyphen or an underscore is ignored (`zho_Hans`,
            `zh-CN`).
        asked: The one that the settings name; None where they leave it to the language.

    Raises:
        ConfigError: If one is asked for that cannot be loaded.
    """
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
    """Return the tokenizer for a language where everything is installed."""
    return _BY_LANGUAGE.get(re.split("[-_]", language)[0].lower(), "13a")


def fall_back(tokenizer: str) -> str:
    """Return the tokenizer itself, or `char` where it is not installed."""
    return "char" if why_not(tokenizer) else tokenizer


def why_not(tokenizer: str) -> str:
    """Say why a tokenizer cannot be loaded; empty if it can."""
    try:
        make("BLEU", tokenize=tokenizer)
    except (RuntimeError, ImportError, OSError) as error:
        return " ".join(str(error).split())
    return ""
