"""Taking a SentencePiece model that exists, if transformers can cut text as it does."""

from collections.abc import Sequence
from pathlib import Path

from catscale.errors import DataError
from catscale.system.reading.regular_file import reason_of
from catscale.vocabulary.huggingface import MASK, tag_of
from catscale.vocabulary.piece_model import CONTROLS
from catscale.vocabulary.sentencepiece import (
    FAST_TOKENIZER,
    MODEL,
    SentencePieceVocabulary,
    read_model_file,
    read_model_of,
)

IDS = (0, 1, 2, 3)
"""Ids that a model must have for `<s>`, `<pad>`, `</s>`, `<unk>`."""


def load_piece_model(path: Path, languages: Sequence[str]) -> SentencePieceVocabulary:
    """Take an existing SentencePiece model.

    Args:
        path: The model's file, or a `tokenizer.json` that `SentencePieceVocabulary.write` wrote, from which it is made.
        languages: Codes of the languages that get a tag.

    Raises:
        DataError: If it is no BPE model with the four control tokens in our order, or transformers could not cut
            text as it does.
    """
    try:
        model = read_model_of(path.parent) if path.name == FAST_TOKENIZER else read_model_file(path)
        vocabulary = SentencePieceVocabulary(model, languages)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"vocabulary.path {path} is no readable SentencePiece model: {reason_of(error)}; give the file of one, or "
            f"a folder with {MODEL} or a run's {FAST_TOKENIZER}"
        ) from error
    about = vocabulary.about
    if about.kind != "bpe":
        raise DataError(
            f"vocabulary.path {path} is a {about.kind} model, needed is a BPE model, the one kind that the Hugging "
            "Face tokenizer of a run cuts alike; train it with --model_type=bpe, or leave vocabulary.path out"
        )
    found = vocabulary.control_ids
    if found != IDS:
        raise DataError(
            f"vocabulary.path {path} has <s>, <pad>, </s>, <unk> at {found}, needed are (0, 1, 2, 3); train it with "
            "--bos_id=0 --pad_id=1 --eos_id=2 --unk_id=3, or leave vocabulary.path out"
        )
    _check_pieces(path, vocabulary)
    return vocabulary


def _check_pieces(path: Path, vocabulary: SentencePieceVocabulary) -> None:
    """Refuse pieces that transformers would cut otherwise, or take for one of the tokens that catscale adds."""
    about = vocabulary.about
    if about.pieces[: len(CONTROLS)] != CONTROLS:
        raise DataError(
            f"vocabulary.path {path} calls its first pieces {', '.join(about.pieces[:4])}, needed are "
            f"{', '.join(CONTROLS)}; train it without --bos_piece, --pad_piece, --eos_piece and --unk_piece"
        )
    if about.has_bytes or about.user_defined:
        what = "byte pieces" if about.has_bytes else f"user-defined symbols such as {about.user_defined[0]!r}"
        option = "--byte_fallback" if about.has_bytes else "--user_defined_symbols"
        raise DataError(
            f"vocabulary.path {path} has {what}, which the Hugging Face tokenizer of a run cannot cut; train it "
            f"without {option}, or leave vocabulary.path out"
        )
    taken = set(about.pieces) & {MASK, *map(tag_of, vocabulary.languages)}
    if taken:
        raise DataError(
            f"vocabulary.path {path} has the pieces {', '.join(sorted(taken))}, which catscale adds itself; train it "
            "without them, or leave vocabulary.path out"
        )
    if not about.marks_starts:
        raise DataError(
            f"vocabulary.path {path} writes spaces otherwise than before each word, which the Hugging Face tokenizer "
            "of a run cannot do; train it without --add_dummy_prefix=false and --treat_whitespace_as_suffix, or leave "
            "vocabulary.path out"
        )
