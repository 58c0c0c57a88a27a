"""Whether the Hugging Face tokenizer of a vocabulary cuts text as SentencePiece does."""

from collections.abc import Callable, Sequence
from typing import Any

from catscale.errors import DataError
from catscale.system.console.messages import Say

SPACE = "▁"
TOLERATED = 1000  # one line in this many may be cut differently by transformers
Encode = Callable[[Sequence[str]], list[list[int]]]


def compare_tokenizers(encode: Encode, tokenizer: Any, lines: list[str], rule: str, say: Say) -> None:
    """Say how the Hugging Face tokenizer cuts a sample of lines, where that is not as SentencePiece does.

    catscale itself cuts with SentencePiece; the difference matters to a model that is used without it.

    Args:
        encode: SentencePiece's encoding.
        tokenizer: The Hugging Face tokenizer.
        lines: The sample.
        rule: By which SentencePiece normalises text; empty for none.
        say: Receives the result.

    Raises:
        DataError: If they differ where text is cut as it is, so that there is no reason for it.
    """
    differing = find_disagreement(encode, tokenizer, lines)
    if not differing:
        say(f"the Hugging Face tokenizer cuts all of {len(lines):,} lines alike")
        return
    found = f"{len(differing):,} of {len(lines):,} lines otherwise than SentencePiece, first {differing[0][:80]!r}"
    if not rule and len(differing) * TOLERATED > len(lines):
        raise DataError(
            f"the Hugging Face tokenizer cuts {found}; at most 1 in {TOLERATED:,} may differ: install the version of "
            "transformers in constraints.txt, or give another BPE model in vocabulary.path"
        )
    say(
        f"warning: the Hugging Face tokenizer of the run will cut {found}: it composes decomposed Unicode and runs of "
        f"spaces otherwise under the rule {rule or 'none'}; catscale itself is not concerned; "
        "vocabulary.normalisation: identity, or text in NFC, avoids it"
    )


def find_disagreement(encode: Encode, tokenizer: Any, lines: list[str]) -> list[str]:
    """Compare a tokenizer's ids with SentencePiece's.

    Args:
        encode: SentencePiece's encoding.
        tokenizer: The Hugging Face tokenizer.
        lines: The sample of lines, of which the ends are of no interest.

    Returns:
        The lines that differ.
    """
    shown = [line.strip() for line in lines]
    theirs = tokenizer(shown, add_special_tokens=False).input_ids if shown else []
    trailing = tokenizer.convert_tokens_to_ids(SPACE)
    return [
        line
        for line, ours, ids in zip(shown, encode(shown), theirs, strict=True)
        if ours != ids and [*ours, trailing] != ids
    ]
