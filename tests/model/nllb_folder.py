"""Folders of pre-trained models for tests, with random weights: NLLB's form and M2M-100's, as published ones have it.

The real ones have 256,204 tokens and 256,206 rows (NLLB), and 128,112 (M2M-100); here a few hundred, in the same order:
`<s>`, `<pad>`, `</s>`, `<unk>`, pieces, tags, `<mask>`, and rows that no token stands for.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import torch
from sentencepiece import sentencepiece_model_pb2
from tokenizers.models import BPE
from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer, NllbTokenizer
from transformers.convert_slow_tokenizer import SentencePieceExtractor

from tests.data.toy_corpora import sentences

TAGS = ("azj_Latn", "bel_Cyrl", "deu_Latn", "eng_Latn", "fra_Latn", "por_Latn", "rus_Cyrl", "zho_Hans", "zho_Hant")
LINES = [line for language in ("en", "de", "az") for line in sentences(language, 100)]
CONTROLS = ("<s>", "<pad>", "</s>", "<unk>")
PIECES = 240
SPARE = 2
"""Rows of an NLLB folder that no token stands for."""
SMALL: dict[str, Any] = {
    "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24,
    "encoder_attention_heads": 2, "decoder_attention_heads": 2,
}  # fmt: skip
"""Sizes of a model that trains in seconds."""


def train_pieces(lines: Sequence[str] = LINES, size: int = PIECES, **options: Any) -> bytes:
    """Train a SentencePiece BPE model with the ids and the rule of NLLB's and M2M-100's own."""
    model = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        vocab_size=size,
        minloglevel=2,
        **{"model_type": "bpe", **options},
    )
    return model.getvalue()


def write_nllb_folder(
    folder: Path,
    tags: Sequence[str] = TAGS,
    seed: int = 0,
    lines: Sequence[str] = LINES,
    pieces: int = PIECES,
    **sizes: Any,
) -> None:
    """Write a model and a tokenizer as `facebook/nllb-200-distilled-600M` has them.

    Args:
        folder: Made where it is not there.
        tags: The languages' tags.
        seed: Decides the weights.
        lines: Text that the pieces are trained on.
        pieces: Their number; SentencePiece says where the text allows fewer.
        sizes: Settings of `transformers.M2M100Config`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sentencepiece.bpe.model"
    path.write_bytes(train_pieces(lines, pieces))
    parts: dict[str, Any] = dict(SentencePieceExtractor(str(path)).extract(BPE))
    names = [piece for piece in parts["vocab"] if piece not in CONTROLS]
    tokenizer = NllbTokenizer(
        vocab={token: number for number, token in enumerate([*CONTROLS, *names])},
        merges=[pair for pair in parts["merges"] if "".join(pair) not in CONTROLS],
        _spm_precompiled_charsmap=parts["_spm_precompiled_charsmap"],
        extra_special_tokens=list(tags),
        src_lang=tags[0],
    )
    tokenizer.save_pretrained(folder)
    write_network(folder, len(tokenizer) + SPARE, seed, **sizes)


def write_m2m100_folder(
    folder: Path, seed: int = 0, lines: Sequence[str] = LINES, pieces: int = PIECES, **sizes: Any
) -> None:
    """Write a model and a tokenizer as `facebook/m2m100_418M` has them: `vocab.json` and SentencePiece's model.

    Its tags are those of transformers' `M2M100Tokenizer`, `__en__` and 99 others; the arguments are those of
    `write_nllb_folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = train_pieces(lines, pieces)
    path = folder / "sentencepiece.bpe.model"
    path.write_bytes(model)
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model)
    names = sorted(piece.piece for piece in proto.pieces if piece.piece not in CONTROLS)  # not in the order of merges
    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({token: number for number, token in enumerate([*CONTROLS, *names])}))
    M2M100Tokenizer(str(vocabulary), str(path)).save_pretrained(folder)
    write_network(folder, 4 + len(names) + 100 + 8, seed, **sizes)


def write_network(folder: Path, vocabulary: int, seed: int = 0, **sizes: Any) -> None:
    """Write a network of two layers with random weights, `vocabulary` rows in its table."""
    torch.manual_seed(seed)
    shape = {"layers": 2, "attention_heads": 2, "ffn_dim": 32, "layerdrop": 0.0}
    small = {f"{side}_{what}": size for side in ("encoder", "decoder") for what, size in shape.items()}
    settings = {"d_model": 16, "init_std": 0.25, "dropout": 0.0, "attention_dropout": 0.0, **small, **sizes}
    M2M100ForConditionalGeneration(M2M100Config(vocab_size=vocabulary, **settings)).save_pretrained(folder)


@contextmanager
def working_beside(folder: Path, place: Path, size: int) -> Iterator[None]:
    """Work in a place where a relative path leads to a network with so many rows."""
    (place / folder).mkdir()
    write_network(place / folder, size)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield
