"""The gaps of a vocabulary: the share of `<unk>` among the pieces, and the targets that no model can write.

A model learns to give `<unk>` as easily as any piece, so that its validation looks superb where half of the pieces are
unknown, and its output is ` ⁇  ⁇ `.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from catscale.errors import DataError
from catscale.system.console.messages import Say

WARNED_OF = 0.01  # share of unknown pieces
SIDES = ("source", "target")

StoreStatistics = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Direction → split → what `Store.statistics` holds."""


def unknown_share(counts: Mapping[str, Any], side: str) -> float | None:
    """Return the share of `<unk>` among the pieces of a side of a split; None in a store of version 0.1, which counted
    none.

    >>> unknown_share({"target_tokens": 200, "target_unknown": 3}, "target")
    0.015
    """
    unknown, pieces = counts.get(f"{side}_unknown"), counts.get(f"{side}_tokens")
    return None if unknown is None or pieces is None else unknown / max(pieces, 1)


def unwritable_share(counts: Mapping[str, Any]) -> float | None:
    """Return the share of a dev or test split's targets that are not what their pieces decode to; None where not
    counted."""
    unwritable, kept = counts.get("unwritable_targets"), counts.get("kept")
    return None if unwritable is None or kept is None else unwritable / max(kept, 1)


def describe_unknown(counts: Mapping[str, Any]) -> str:
    """Describe what the vocabulary lacks for a split, as in `<unk> 0.12% of source, 3.4% of target pieces`; empty if
    nothing."""
    shares = [(unknown_share(counts, side) or 0.0, side) for side in SIDES]
    parts = []
    if any(share for share, _ in shares):
        parts.append("<unk> " + ", ".join(f"{_percent(share)} of {side}" for share, side in shares) + " pieces")
    if unwritable := unwritable_share(counts):
        parts.append(f"{_percent(unwritable)} of targets cannot be written")
    return "; ".join(parts)


def show_shares(counts: Mapping[str, Any]) -> str:
    """Return the shares of `<unk>` on both sides, as a cell: `0.012%/0%`; a dash where they were not counted."""
    shares = [unknown_share(counts, side) for side in SIDES]
    return "/".join("–" if share is None else _percent(share) for share in shares)


def warn_of_unknown(statistics: StoreStatistics, say: Say, splits: Iterable[str] | None = None) -> None:
    """Say which sides have more than a hundredth of unknown pieces.

    Args:
        statistics: The statistics of a store.
        say: Receives a line per side.
        splits: The splits that matter; None for all.
    """
    wanted = None if splits is None else set(splits)
    for share, name, split, side in _shares(statistics):
        if share > WARNED_OF and (wanted is None or split in wanted):
            say(
                f"warning: {_percent(share)} of the {side} pieces of {name} {split} are <unk>: the vocabulary lacks "
                f"their characters, and a model can {'write' if side == 'target' else 'read'} none of them"
            )


def refuse_unknown(statistics: StoreStatistics, most: float) -> None:
    """Refuse data of which a side has too many unknown pieces.

    Args:
        statistics: The statistics of a store, or of the splits that are encoded by now.
        most: The largest share that is allowed.

    Raises:
        DataError: If one has more; the message has the worst.
    """
    found = max(_shares(statistics), default=None)
    if found is not None and found[0] > most:
        share, name, split, side = found
        raise DataError(
            f"{_percent(share)} of the {side} pieces of {name} {split} are <unk>, characters that the vocabulary "
            f"lacks, and vocabulary.max_unknown allows {_percent(most)}: a model would learn to write ⁇ for them; "
            "give a vocabulary or text for its training that has the script (leave vocabulary.path out, or raise "
            "vocabulary.character_coverage), or set vocabulary.max_unknown to 1 to go on all the same"
        )


def _shares(statistics: StoreStatistics) -> Iterator[tuple[float, str, str, str]]:
    """Yield (share, direction, split, side) for each side of which the share is known."""
    for name, splits in statistics.items():
        for split, counts in splits.items():
            for side in SIDES:
                share = unknown_share(counts, side)
                if share is not None:
                    yield share, name, split, side


def _percent(share: float) -> str:
    """Format a share with two significant digits: 0.012%, 3.4%, 50%."""
    return f"{100 * share:.2g}%" if share < 0.995 else f"{100 * share:.0f}%"
