"""The self-description of a serialised SentencePiece model, and the model made again from a `tokenizer.json`."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}  # trainer_spec.model_type
CONTROLS = ("<s>", "<pad>", "</s>", "<unk>")  # the first four pieces, in our order
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6  # the types of a piece
REBUILT = "of a tokenizer.json"  # what stands for the name of the rule, which it does not tell


@dataclass(frozen=True)
class PieceModel:
    """The parts of a model that decide how text becomes ids.

    Attributes:
        kind: "unigram", "bpe", "word" or "char".
        pieces: The pieces in the order of their ids.
        user_defined: Pieces that are found before any merge.
        has_bytes: Whether characters without a piece become bytes.
        rule: Name of the normalisation rule that it was trained with.
        charsmap: The compiled rule; empty for none.
        keeps_spaces: Whether white space at the ends and in runs stays.
        marks_starts: Whether a space is written before the first word and belongs to the word after it, as usual.
    """

    kind: str
    pieces: tuple[str, ...]
    user_defined: tuple[str, ...]
    has_bytes: bool
    rule: str
    charsmap: bytes
    keeps_spaces: bool
    marks_starts: bool = True

    @property
    def is_rebuilt(self) -> bool:
        """Whether it was made from a `tokenizer.json`, which does not tell whether runs of spaces stay."""
        return self.rule == REBUILT

    @property
    def is_unchanging(self) -> bool:
        """Whether text is cut as it is, neither normalised nor rid of spaces."""
        return self.keeps_spaces and not self.charsmap


def read_model(model: bytes) -> PieceModel:
    """Read a serialised SentencePiece model.

    Raises:
        ValueError: If it is none.
    """
    from google.protobuf.message import DecodeError
    from sentencepiece import sentencepiece_model_pb2

    proto = sentencepiece_model_pb2.ModelProto()
    try:
        proto.ParseFromString(model)
    except DecodeError as error:
        raise ValueError(f"it is no SentencePiece model ({error})") from error
    spec = proto.normalizer_spec
    return PieceModel(
        kind=KINDS.get(proto.trainer_spec.model_type, "unknown"),
        pieces=tuple(piece.piece for piece in proto.pieces),
        user_defined=tuple(piece.piece for piece in proto.pieces if piece.type == USER_DEFINED),
        has_bytes=any(piece.type == BYTE for piece in proto.pieces),
        rule=spec.name or "none",
        charsmap=spec.precompiled_charsmap,
        keeps_spaces=not spec.remove_extra_whitespaces,
        marks_starts=spec.add_dummy_prefix
        and spec.escape_whitespaces
        and not proto.trainer_spec.treat_whitespace_as_suffix,
    )


def rebuild_model(tokenizer: Mapping[str, Any]) -> bytes:
    """Make the SentencePiece BPE model of a `tokenizer.json` that `Vocabulary.save` or transformers wrote.

    A BPE model merges first what has the smallest id, so that pieces and rule are all there is to it. With a rule,
    runs of spaces are one space; without, text is cut as it is.

    Args:
        tokenizer: The content of the file.

    Raises:
        ValueError: If it is no BPE tokenizer with `<s>`, `<pad>`, `</s>`, `<unk>` as 0 to 3.
    """
    from sentencepiece import sentencepiece_model_pb2

    model = tokenizer["model"]
    if model["type"] != "BPE" or model.get("byte_fallback"):
        raise ValueError(f"its tokenizer.json holds a {model['type']} model, needed is BPE without byte fallback")
    vocabulary: dict[str, int] = model["vocab"]
    pieces = sorted(vocabulary, key=lambda piece: vocabulary[piece])
    if tuple(pieces[:4]) != CONTROLS or [vocabulary[piece] for piece in pieces] != list(range(len(pieces))):
        raise ValueError(
            f"its tokenizer.json begins with {pieces[:4]}, needed are {list(CONTROLS)} and ids without gap"
        )
    proto = sentencepiece_model_pb2.ModelProto()
    for number, text in enumerate(pieces):
        kind = NORMAL if number >= len(CONTROLS) else UNKNOWN if text == "<unk>" else CONTROL
        proto.pieces.add(piece=text, score=min(0.0, len(CONTROLS) - float(number)), type=kind)
    spec = proto.trainer_spec
    spec.model_type, spec.vocab_size = 2, len(pieces)
    spec.bos_id, spec.pad_id, spec.eos_id, spec.unk_id = range(4)
    charsmap = _find_charsmap(tokenizer.get("normalizer"))
    proto.normalizer_spec.name = REBUILT
    proto.normalizer_spec.precompiled_charsmap = charsmap
    proto.normalizer_spec.remove_extra_whitespaces = bool(charsmap)
    return bytes(proto.SerializeToString())


def _find_charsmap(normalizer: Any) -> bytes:
    """Return the compiled rule in a tokenizer's normalizer, which may be a sequence; empty for none."""
    if not normalizer:
        return b""
    steps = normalizer["normalizers"] if normalizer["type"] == "Sequence" else [normalizer]
    found = [step["precompiled_charsmap"] for step in steps if step["type"] == "Precompiled"]
    return base64.b64decode(found[0]) if found else b""
