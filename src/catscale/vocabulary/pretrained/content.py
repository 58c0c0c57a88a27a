"""The content of a `tokenizer.json` in the one form that is kept: the one that `NllbTokenizer` makes of any folder.

That class builds its tokenizer anew from the pieces, the merges and the compiled rule of a file, whatever else the file
says. So these three, and the special tokens, are all that is taken of a folder, and all ids are written out: pieces,
special tokens and rows of the model's table that no token stands for.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catscale.vocabulary.huggingface import MASK
from catscale.vocabulary.piece_model import CONTROLS

SPACE = "▁"
SPARE = "madeupword"
"""The beginning of the name of a row that no token stands for, as fairseq calls it."""
IS_SPARE = re.compile(rf"{SPARE}\d+(_+)?")
METASPACE = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": True}
RUNS_OF_SPACES = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}


@dataclass(frozen=True)
class Pieces:
    """The parts of a tokenizer that are taken.

    Attributes:
        vocabulary: Token → id: pieces and special tokens.
        merges: Pairs of pieces that become one, the first ones first.
        charsmap: The compiled rule by which text is normalised, in base64; empty for none.
        special: Tokens that no text becomes: control tokens, `<mask>`, the tags of languages and others.
        whole: Tokens that are found in a text before it is cut, such as characters that somebody added.
    """

    vocabulary: Mapping[str, int]
    merges: Sequence[tuple[str, str]]
    charsmap: str
    special: frozenset[str]
    whole: frozenset[str] = frozenset()


def make_content(pieces: Pieces, size: int) -> dict[str, Any]:
    """Make the content of a `tokenizer.json`.

    Args:
        pieces: The parts of a tokenizer, with ids below `size`.
        size: Number of embeddings; ids without a token get one of the name `SPARE`.

    Raises:
        ValueError: If ids repeat or lie beyond the size, a control token is missing, or the rule is no base64.
    """
    vocabulary = _fill(pieces.vocabulary, size)
    named = sorted(pieces.special | pieces.whole, key=lambda token: vocabulary[token])
    merges = [[left, right] for left, right in pieces.merges if left + right not in pieces.special]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(token, vocabulary[token], token in pieces.special) for token in named],
        "normalizer": _normalizer(pieces.charsmap),
        "pre_tokenizer": dict(METASPACE),
        "post_processor": None,
        "decoder": dict(METASPACE),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocabulary,
            "merges": merges,
        },
    }


def special_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tokens of a content that no text becomes, in the order of their ids."""
    special = [token for token in content["added_tokens"] if token["special"]]
    return tuple(token["content"] for token in sorted(special, key=lambda token: int(token["id"])))


def list_tags(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the special tokens of a content that are neither control tokens nor `<mask>`, such as tags of languages,
    in the order of their ids."""
    return tuple(token for token in special_of(content) if token not in {*CONTROLS, MASK})


def _fill(vocabulary: Mapping[str, int], size: int) -> dict[str, int]:
    """Return tokens in the order of their ids, with a name for each id below the size."""
    missing = [token for token in CONTROLS if token not in vocabulary]
    if missing:
        raise ValueError(f"it has no {' and no '.join(missing)}")
    tokens: list[str | None] = [None] * size
    for token, number in vocabulary.items():
        if not 0 <= number < size:
            raise ValueError(f"the id {number} of {token[:40]!r} is not below the {size:,} rows of the model's table")
        if tokens[number] is not None:
            raise ValueError(f"{tokens[number]!r} and {token[:40]!r} have one id, {number}")
        tokens[number] = token
    spare = 0
    for number, found in enumerate(tokens):
        if found is None:
            tokens[number], spare = _unused(f"{SPARE}{spare}", vocabulary), spare + 1
    return {str(token): number for number, token in enumerate(tokens)}


def _unused(name: str, vocabulary: Mapping[str, int]) -> str:
    while name in vocabulary:
        name += "_"
    return name


def _added(token: str, number: int, is_special: bool) -> dict[str, Any]:
    is_mask = token == MASK
    return {
        "id": number,
        "content": token,
        "single_word": False,
        "lstrip": is_mask,
        "rstrip": False,
        "normalized": is_mask or not is_special,
        "special": is_special,
    }


def _normalizer(charsmap: str) -> dict[str, Any] | None:
    if not charsmap:
        return None
    _check_rule(charsmap)
    rule = {"type": "Precompiled", "precompiled_charsmap": charsmap}
    return {"type": "Sequence", "normalizers": [rule, dict(RUNS_OF_SPACES)]}


def _check_rule(charsmap: str) -> None:
    """Refuse a compiled rule that is none: four bytes with the length of a table of 32-bit numbers, the table, a text.

    Raises:
        ValueError: If it is not of that form, on which the tokenizer's library would panic.
    """
    try:
        rule = base64.b64decode(charsmap, validate=True)
        length = int.from_bytes(rule[:4], "little")
        rule[4 + length :].decode("utf-8")
    except ValueError as error:
        raise ValueError(f"its rule for text cannot be read ({error})") from error
    if not length or length % 4 or 4 + length > len(rule):
        raise ValueError(f"its rule for text is damaged, a table of {length:,} bytes in {len(rule):,}")
