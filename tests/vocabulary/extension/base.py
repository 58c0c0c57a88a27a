"""A tokenizer of NLLB's form for English and German, which lacks four letters of Azerbaijani."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from catscale.vocabulary.extension import tokenizer_of
from catscale.vocabulary.huggingface import build_tokenizer
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import sentences

OLD = {"en": sentences("en", 200), "de": sentences("de", 200)}
NEW = sentences("az", 200)
MISSING = {"ş", "q", "ı", "z", "v", "ə", "x", "y"}
TAGS = ["__de__", "__en__"]


@cache
def _written() -> str:
    settings = SentencePieceSettings(size=90, normalisation="nmt_nfkc")
    vocabulary = train_vocabulary(settings, [line for lines in OLD.values() for line in lines], ["de", "en"])
    text: str = build_tokenizer(vocabulary.model, ["de", "en"])._tokenizer.to_str()
    return text


def make_content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(_written())
    return content


def ids_of(content: dict[str, Any], lines: list[str]) -> list[list[int]]:
    return [found.ids for found in tokenizer_of(content).encode_batch(lines, add_special_tokens=False)]


def tokens_of(content: dict[str, Any], lines: list[str]) -> list[list[str]]:
    return [found.tokens for found in tokenizer_of(content).encode_batch(lines, add_special_tokens=False)]


def load_nllb(folder: Path, content: dict[str, Any], tags: list[str]) -> Any:
    """What plain transformers reads of a folder with this content."""
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    config = {"tokenizer_class": "NllbTokenizer", "extra_special_tokens": tags, "src_lang": tags[0]}
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"split_special_tokens": True}))
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)
