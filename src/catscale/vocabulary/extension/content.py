"""The content of a `tokenizer.json` that can be extended, and what is made of it.

Such a content has a BPE model, whose pieces are merged from single characters, and tokens that are added to it
(controls and tags). Everything in this folder takes it as the dictionary that JSON gives, and returns a new one.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from catscale.errors import DataError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Content = Mapping[str, Any]
Merge = tuple[str, str]
ABSENT = ("byte_fallback", "ignore_merges", "dropout", "continuing_subword_prefix", "end_of_word_suffix")
"""Settings of a BPE model under which a piece need not be what its characters are merged to."""
DO = "give the tokenizer of an M2M-100 or NLLB model"


class BpeContent:
    """The parts of a content, in the form that is computed with.

    Attributes:
        content: As given; it is not changed.
        ids: Piece or added token → id, without gap from 0.
        merges: Pairs of pieces, the first merged first.

    Raises:
        DataError: If the content is not of this form.
    """

    def __init__(self, content: Content) -> None:
        self.content = content
        model = _model_of(content)
        self.merges: list[Merge] = [_pair(merge) for merge in model["merges"]]
        self.ids: dict[str, int] = dict(model["vocab"])
        for token in content.get("added_tokens") or ():
            self.ids[token["content"]] = token["id"]
        self.unknown: str = model["unk_token"]
        self._check()

    def _check(self) -> None:
        """Refuse ids with gaps and merges of what is no piece.

        Raises:
            DataError: Naming the first.
        """
        if sorted(self.ids.values()) != list(range(len(self.ids))):
            taken = set(self.ids.values())
            gap = next(number for number in range(len(self.ids)) if number not in taken)
            raise DataError(
                f"the ids of tokenizer.json must be 0 to {len(self.ids) - 1:,}, each once, found none with {gap}; {DO}"
            )
        for left, right in self.merges:
            if not {left, right, left + right} <= self.ids.keys():
                raise DataError(f"tokenizer.json merges {left!r} and {right!r}, which are not all pieces; {DO}")

    @property
    def size(self) -> int:
        """Number of ids."""
        return len(self.ids)

    @cached_property
    def ranks(self) -> dict[Merge, int]:
        """Pair of pieces → its place among the merges."""
        return {pair: rank for rank, pair in enumerate(self.merges)}

    @cached_property
    def tokenizer(self) -> "Tokenizer":
        """The tokenizer, to which a typed tag is text."""
        return tokenizer_of(self.content)

    def added_tokens(self) -> list[dict[str, Any]]:
        """Return copies of the entries of controls and tags."""
        return [dict(token) for token in self.content.get("added_tokens") or ()]

    def replaced(self, ids: Mapping[str, int], merges: Iterable[Merge], added: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the content with other ids, merges and added tokens.

        Added tokens are among the pieces too, with the same ids: where they are not, transformers numbers them anew,
        from the number of pieces on.
        """
        model = {**self.content["model"], "vocab": dict(ids), "merges": [list(pair) for pair in merges]}
        return {**self.content, "added_tokens": added, "model": model}


def tokenizer_of(content: Content) -> "Tokenizer":
    """Make the tokenizer of a content; a tag or a control that stands in a text is text to it."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(json.dumps(content, ensure_ascii=False))
    tokenizer.encode_special_tokens = True
    return tokenizer


def _model_of(content: Content) -> Mapping[str, Any]:
    model: Mapping[str, Any] = content.get("model") or {}
    if model.get("type") != "BPE" or model.get("unk_token") not in model.get("vocab", ()):
        raise DataError(
            f"tokenizer.json must hold a BPE model with a piece for what is unknown, found {model.get('type')!r} with "
            f"{model.get('unk_token')!r}; {DO}"
        )
    found = [name for name in ABSENT if model.get(name)]
    if found:
        raise DataError(f"the BPE model of tokenizer.json must be without {found[0]}, found {model[found[0]]!r}; {DO}")
    return model


def _pair(merge: str | list[str]) -> Merge:
    """Return a merge, which earlier versions of tokenizers write as one text."""
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right
