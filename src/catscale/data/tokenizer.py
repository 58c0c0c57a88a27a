"""The Hugging Face tokenizer of a SentencePiece BPE model with our language tags, and the proof that it agrees.

`NllbTokenizer` with a BPE model gives SentencePiece's ids (with a Unigram model it silently does not), loads
through `AutoTokenizer` and knows `src_lang` and `tgt_lang`. Two differences remain that its loading code leaves
no way to mend: white space at the end of a text stays as a piece `▁`, which SentencePiece removes; and text
in decomposed Unicode is composed a little differently. `check_agreement` ignores the first and bounds the second.
"""

from collections.abc import Callable, Sequence
from typing import Any

from catscale.errors import DataError
from catscale.system.files import create_file, scratch_folder, user_errors

TOLERATED = 1000  # one line in so many may differ
SPACE = "▁"


def tag_of(language: str) -> str:
    """The token that stands for a language."""
    return f"__{language}__"


def build_tokenizer(model: bytes, languages: Sequence[str]) -> Any:
    """Make an `NllbTokenizer` whose ids are those of a SentencePiece BPE model.

    Args:
        model: The serialised model, with `<s>`, `<pad>`, `</s>`, `<unk>` as 0 to 3.
        languages: Their tags get the ids after the pieces and `<mask>`.
    """
    from tokenizers.models import BPE
    from transformers import NllbTokenizer
    from transformers.convert_slow_tokenizer import SentencePieceExtractor

    with scratch_folder() as folder:
        path = folder / "model"
        with user_errors("write a temporary file", path), create_file(path) as file:
            file.write(model)
        parts = SentencePieceExtractor(str(path)).extract(BPE)
    tags = [tag_of(language) for language in languages]
    return NllbTokenizer(
        vocab=parts["vocab"],
        merges=parts["merges"],
        _spm_precompiled_charsmap=parts["_spm_precompiled_charsmap"],
        extra_special_tokens=tags,
        src_lang=tags[0],
        tgt_lang=tags[-1],
        split_special_tokens=True,  # a tag or </s> that a user types stays text
    )


def check_agreement(encode: Callable[[Sequence[str]], list[list[int]]], tokenizer: Any, lines: list[str]) -> int:
    """Compare a tokenizer's ids with SentencePiece's.

    Args:
        encode: SentencePiece's encoding.
        tokenizer: The Hugging Face tokenizer.
        lines: The sample of lines.

    Returns:
        How many lines differ.

    Raises:
        DataError: If more than one line in a thousand does (with the first one).
    """
    theirs = tokenizer(lines, add_special_tokens=False).input_ids if lines else []
    trailing = tokenizer.convert_tokens_to_ids(SPACE)
    differing = [
        line
        for line, ours, ids in zip(lines, encode(lines), theirs, strict=True)
        if ours != ids and [*ours, trailing] != ids
    ]
    if len(differing) * TOLERATED > len(lines):
        raise DataError(
            f"the Hugging Face tokenizer disagrees with SentencePiece on {len(differing):,} of {len(lines):,} lines, "
            f"first on {differing[0]!r}; at most 1 in {TOLERATED:,} may differ, so normalise the text "
            "(Unicode NFC) or give a BPE model in vocabulary.path"
        )
    return len(differing)
