"""Reading the tokenizer of a folder without a `tokenizer.json`: SentencePiece's model, with M2M-100's ids or NLLB's.

M2M-100: the ids of pieces are those of `vocab.json`; the tags come after them in the order of transformers'
`M2M100Tokenizer`. NLLB: the ids are SentencePiece's plus one, then the tags of `NllbTokenizer`, then `<mask>`.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, RootModel

from catscale.system.reading.json_file import SMALL, load_json
from catscale.system.reading.schema import FileSchema
from catscale.vocabulary.huggingface import MASK, tag_of
from catscale.vocabulary.piece_model import CONTROLS, PieceModel, read_model
from catscale.vocabulary.pretrained.content import Pieces, make_content
from catscale.vocabulary.pretrained.tokenizer_file import LIMITS, Token, TokenId
from catscale.vocabulary.sentencepiece import MODEL, TOKENIZER, read_model_file

VOCABULARY = "vocab.json"


class _PieceIds(RootModel[dict[Token, TokenId]]):
    """The content of `vocab.json`: token → id."""


class _TagSettings(FileSchema):
    """The part of M2M-100's `tokenizer_config.json` that decides ids."""

    language_codes: Annotated[str, Field(max_length=100)] = "m2m100"


def read_vocabulary_file(folder: Path, size: int) -> dict[str, Any]:
    """Read M2M-100's tokenizer.

    Args:
        folder: Holds `vocab.json` and SentencePiece's model.
        size: Number of embeddings of its model.

    Raises:
        OSError: If a file cannot be read.
        ValueError: If a file is not of its kind, or ids do not fit the size.
    """
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

    ids = dict(load_json(folder / VOCABULARY, _PieceIds, LIMITS, follow=True))
    name = "m2m100"
    if (folder / TOKENIZER).exists():
        name = load_json(folder / TOKENIZER, _TagSettings, SMALL, follow=True).get("language_codes", name)
    if name not in FAIRSEQ_LANGUAGE_CODES:
        allowed = ", ".join(FAIRSEQ_LANGUAGE_CODES)
        raise ValueError(f"its {TOKENIZER} has the language_codes {name!r}, allowed are {allowed}")
    return _join(ids, list(map(tag_of, FAIRSEQ_LANGUAGE_CODES[name])), _read_pieces(folder), size, after=())


def read_nllb(folder: Path, size: int) -> dict[str, Any]:
    """Read NLLB's tokenizer from SentencePiece's model alone, as `read_vocabulary_file` reads M2M-100's."""
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    about = _read_pieces(folder)
    ids = {piece: number for number, piece in enumerate((*CONTROLS, *_normal(about)))}
    return _join(ids, FAIRSEQ_LANGUAGE_CODES, about, size, after=(MASK,))


def _read_pieces(folder: Path) -> PieceModel:
    about = read_model(read_model_file(folder / MODEL))
    if about.kind != "bpe" or about.has_bytes or about.user_defined or not about.marks_starts:
        kind = about.kind if about.kind != "bpe" else "bpe with byte pieces, symbols of its user or other spaces"
        raise ValueError(f"its {MODEL} is {kind}, needed is plain bpe, as of M2M-100 and NLLB")
    return about


def _normal(about: PieceModel) -> list[str]:
    return [piece for piece in about.pieces if piece not in CONTROLS]


def _join(
    ids: Mapping[str, int], tags: Sequence[str], about: PieceModel, size: int, after: Sequence[str]
) -> dict[str, Any]:
    """Put the tags behind the pieces; pieces without an id are made of smaller ones."""
    if twice := [token for token in (*tags, *after) if token in ids]:
        raise ValueError(f"the piece {twice[0]!r} is called as a token that comes after the pieces")
    vocabulary = {**ids, **{token: len(ids) + number for number, token in enumerate((*tags, *after))}}
    pieces = Pieces(
        vocabulary,
        find_merges([piece for piece in _normal(about) if piece in ids]),
        base64.b64encode(about.charsmap).decode("ascii"),
        frozenset((*(token for token in CONTROLS if token in ids), *tags, *after)),
    )
    return make_content(pieces, size)


def find_merges(pieces: Sequence[str]) -> list[tuple[str, str]]:
    """Return the merges of a SentencePiece BPE model: every pair of pieces that makes a piece, in the pieces' order.

    Args:
        pieces: The pieces, those that are merged first at the front.

    Example:
        >>> find_merges(["ab", "abc", "a", "b", "c"])
        [('a', 'b'), ('ab', 'c')]
    """
    known = set(pieces)
    return [
        (piece[:cut], piece[cut:])
        for piece in pieces
        for cut in range(1, len(piece))
        if piece[:cut] in known and piece[cut:] in known
    ]
