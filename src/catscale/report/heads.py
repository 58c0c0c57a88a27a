"""Heads of the terminal's columns of methods: their names, or numbers where a name is long."""

from collections.abc import Mapping, Sequence

LONGEST, WORD = 40, 24
"""Characters of a name, and of a word in it, up to which it heads a column."""


def choose_heads(names: Sequence[str]) -> dict[str, str]:
    """Return what heads the column of each name: the name itself, or a number where one of them is long.

    Example:
        >>> choose_heads(["T=1", "T=5 + CATS"])
        {'T=1': 'T=1', 'T=5 + CATS': 'T=5 + CATS'}
        >>> choose_heads(["T=1", "T=5 pretrained=nllb-200-distilled-600M"])
        {'T=1': '(1)', 'T=5 pretrained=nllb-200-distilled-600M': '(2)'}
    """
    if all(len(name) <= LONGEST and max(map(len, name.split(" "))) <= WORD for name in names):
        return {name: name for name in names}
    return {name: f"({number})" for number, name in enumerate(names, 1)}


def list_legend(heads: Mapping[str, str]) -> list[str]:
    """Return a line per method that a number stands for; none where names head the columns."""
    return [f"{head} {name}" for name, head in heads.items() if head != name]
