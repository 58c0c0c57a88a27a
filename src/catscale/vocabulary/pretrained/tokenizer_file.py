"""Reading a `tokenizer.json`: of NLLB, of a model that somebody fine-tuned, of a run of catscale.

The file may come from somebody else: its size and its content are checked, and nothing of it is executed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from catscale.system.reading.json_file import Limits, load_json
from catscale.system.reading.regular_file import MEBIBYTE
from catscale.system.reading.schema import FileSchema
from catscale.vocabulary.huggingface import MASK
from catscale.vocabulary.piece_model import CONTROLS
from catscale.vocabulary.pretrained.content import Pieces, make_content
from catscale.vocabulary.pretrained.tags import is_tag

LIMITS = Limits(128 * MEBIBYTE, 20_000_000)
"""The limits of a `tokenizer.json`; NLLB's, of 256,000 pieces, has some 32 MB and 2 million values."""
MOST = 2_000_000
TokenId = Annotated[int, Field(ge=0, lt=MOST)]
Token = Annotated[str, Field(min_length=1, max_length=1000)]
MergeInFile = Annotated[list[str], Field(min_length=2, max_length=2)]


class _AddedToken(FileSchema):
    """A token that is found in a text before it is cut, or that no text becomes."""

    id: TokenId
    content: Token
    special: bool = False


class _Bpe(FileSchema):
    """The pieces and how they are merged."""

    type: Literal["BPE"]
    vocab: dict[str, TokenId]
    merges: list[str | MergeInFile]
    unk_token: str | None = None
    byte_fallback: Literal[False] | None = None
    continuing_subword_prefix: Literal[""] | None = None
    end_of_word_suffix: Literal[""] | None = None


class _TokenizerFile(FileSchema):
    """The part of a `tokenizer.json` that is read."""

    model: _Bpe
    added_tokens: list[_AddedToken] = Field(default_factory=list)
    normalizer: dict[str, Any] | None = None


def read_tokenizer_file(path: Path, size: int | None, follow: bool = False) -> dict[str, Any]:
    """Read a `tokenizer.json` as the content that is kept.

    Args:
        path: The file.
        size: Number of embeddings of its model; None for as many as the file has ids.
        follow: Whether `path` may be a symbolic link, because a user named its folder.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is none of a BPE model, or its ids do not fit the size.
    """
    return make_content(*_take(load_json(path, _TokenizerFile, LIMITS, follow), size))


def _take(content: Mapping[str, Any], size: int | None) -> tuple[Pieces, int]:
    model, added = content["model"], content.get("added_tokens", [])
    vocabulary: dict[str, int] = dict(model["vocab"])
    for token in added:
        if vocabulary.setdefault(token["content"], token["id"]) != token["id"]:
            known = vocabulary[token["content"]]
            raise ValueError(f"the token {token['content'][:40]!r} has two ids, {known} and {token['id']}")
    special = {t["content"] for t in added if t.get("special") or is_tag(t["content"])}
    special |= {token for token in (*CONTROLS, MASK) if token in vocabulary}
    merges = [_pair(merge) for merge in model["merges"]]
    whole = frozenset(t["content"] for t in added) - special
    pieces = Pieces(vocabulary, merges, find_charsmap(content.get("normalizer")), frozenset(special), whole)
    return pieces, max(vocabulary.values(), default=-1) + 1 if size is None else size


def _pair(merge: Any) -> tuple[str, str]:
    parts = merge.split(" ") if isinstance(merge, str) else merge
    if len(parts) != 2:
        raise ValueError(f"a merge is of two pieces, found {str(merge)[:40]!r}")
    return parts[0], parts[1]


def find_charsmap(normalizer: Any) -> str:
    """Return the compiled rule in a tokenizer's normalizer, in base64; empty for none."""
    steps = normalizer.get("normalizers", [normalizer]) if isinstance(normalizer, dict) else []
    found = [step.get("precompiled_charsmap") for step in steps if isinstance(step, dict)]
    return next((charsmap for charsmap in found if isinstance(charsmap, str)), "")
