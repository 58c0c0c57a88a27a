"""Whether two tokenizers of a pre-trained model cut text alike: ours, and the class that the folder names."""

from collections.abc import Sequence
from typing import Any

from catscale.system.console.messages import Say
from catscale.system.console.numbers import count_things
from catscale.vocabulary.agreement import Encode, find_disagreement
from catscale.vocabulary.sentencepiece import drop_reserved

LINES = 1000
"""Lines that are compared at most."""


def say_agreement(
    encode: Encode, tokenizer: Any, lines: Sequence[str], rule: str, say: Say, whose: str = "the run's"
) -> None:
    """Say how many of some lines another tokenizer cuts otherwise.

    Args:
        encode: Our encoding.
        tokenizer: One of transformers.
        lines: The lines; those with characters that are cut as stand-ins are left out.
        rule: The rule by which our encoding normalises text; empty for none.
        say: Receives the result.
        whose: Whom the other one is said to belong to.
    """
    compared = (list(lines) if rule else drop_reserved(lines))[:LINES]
    name = f"{whose} {type(tokenizer).__name__} of transformers"
    if not (differing := find_disagreement(encode, tokenizer, compared)):
        say(f"{name} cuts {'all of ' * (len(compared) != 1)}{count_things(len(compared), 'line')} alike")
        return
    share = len(differing) / max(len(compared), 1)
    say(
        f"warning: {name} cuts {len(differing):,} of {len(compared):,} lines ({share:.2%}) otherwise, "
        f"first {differing[0][:80]!r}: it treats Unicode in another form, or runs of spaces, in its own way"
    )
