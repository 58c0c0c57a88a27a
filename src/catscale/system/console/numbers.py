"""Numbers within a sentence for the terminal: counted things, lists cut short, and shares that are not nothing."""

from collections.abc import Sequence


def count_things(number: int, thing: str) -> str:
    """Return a number with the name of what is counted, in the singular for one.

    >>> count_things(1, "step"), count_things(2000, "step")
    ('1 step', '2,000 steps')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def name_some(names: Sequence[str], most: int) -> str:
    """Return the first names, and the number of those left out.

    >>> name_some(["a", "b"], 2), name_some(["a", "b", "c", "d"], 2)
    ('a, b', 'a, b and 2 more')
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def show_share(share: float) -> str:
    """Return a share as a percentage with two digits; one that rounds to nothing is said to be less than that.

    >>> show_share(0.12345), show_share(0.00001), show_share(0.0)
    ('12.35%', '<0.01%', '0.00%')
    """
    return "<0.01%" if 0 < share < 0.00005 else f"{share:.2%}"
