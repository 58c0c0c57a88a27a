"""A tokenizer without the pieces that a text does not need."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from catscale.vocabulary.extension.content import BpeContent, Content
from catscale.vocabulary.extension.merging import find_parts

LINES = 10_000
"""Lines that are cut at a time."""


@dataclass(frozen=True)
class Trimmed:
    """A trimmed tokenizer.

    Attributes:
        content: The content of its `tokenizer.json`.
        kept: For each new id, the old one, in ascending order.
    """

    content: dict[str, Any]
    kept: tuple[int, ...]


def trim(content: Content, lines: Iterable[str], unused: Iterable[str] = ()) -> Trimmed:
    """Drop the pieces that no line needs; the lines are cut as before, through the table of ids.

    Kept are the pieces of the lines and all that merge into them, with all merges among them, and the added tokens
    (controls, tags) but those named. At every step of cutting a line the first merge by rank is one that makes such a
    piece, and it is still the first of those that are left.

    Other text than the lines is cut into smaller pieces, and a character that occurs in none of them is unknown.

    Args:
        content: The content of a `tokenizer.json`.
        lines: Lines of all languages, of all splits.
        unused: Added tokens that are not needed, such as the tags of other languages.

    Raises:
        DataError: If the content cannot be trimmed.
    """
    parts = BpeContent(content)
    left_out = set(unused)
    added = [token for token in parts.added_tokens() if token["content"] not in left_out]
    by_id = {number: token for token, number in parts.ids.items()}
    controls = {token["content"] for token in parts.added_tokens()} | {parts.unknown}
    pieces = {by_id[number] for number in _used(parts, lines)} - controls
    kept = find_parts(pieces, parts.ranks) | {token["content"] for token in added} | {parts.unknown}
    order = sorted(parts.ids[token] for token in kept)
    ids = {by_id[old]: new for new, old in enumerate(order)}
    merges = [pair for pair in parts.merges if {*pair, "".join(pair)} <= kept]
    for token in added:
        token["id"] = ids[token["content"]]
    found = parts.replaced(ids, merges, added)
    found["post_processor"] = _renumber(content.get("post_processor"), ids)
    return Trimmed(found, tuple(order))


def _used(parts: BpeContent, lines: Iterable[str]) -> set[int]:
    """Return the ids that lines are cut to."""
    used: set[int] = set()
    rest = iter(lines)
    while shown := [line.strip() for line in islice(rest, LINES)]:
        for found in parts.tokenizer.encode_batch_fast(shown, add_special_tokens=False):
            used.update(found.ids)
    return used


def _renumber(processor: Any, ids: dict[str, int]) -> Any:
    """Return a template of tags around a text with other ids; None where one of its tokens has none.

    transformers writes it anew for every pair of languages.
    """
    tokens = (processor or {}).get("special_tokens")
    if not tokens:
        return processor
    if not all(token in ids for entry in tokens.values() for token in entry["tokens"]):
        return None
    special = {name: {**entry, "ids": [ids[token] for token in entry["tokens"]]} for name, entry in tokens.items()}
    return {**processor, "special_tokens": special}
