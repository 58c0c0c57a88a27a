"""The rows of a model's table of embeddings from which each row of an extended or trimmed one starts."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

Bases = tuple[int, ...]


@dataclass(frozen=True)
class RowOrigins:
    """The origins of each row of a table.

    Attributes:
        bases: For each id, the rows of the old table whose mean it is: an old token's own, and for a token that
            resembles nothing none, which stands for the mean of all rows.
        noisy: Ids whose rows get a little noise, since other rows have the same bases.
    """

    bases: tuple[Bases, ...]
    noisy: frozenset[int] = frozenset()

    @classmethod
    def unchanged(cls, size: int) -> Self:
        """Return the origins of a table that stays as it is."""
        return cls(tuple((number,) for number in range(size)))

    @classmethod
    def extended(cls, size: int, new: Sequence[Bases]) -> Self:
        """Return the origins of a table that keeps its rows and gets new ones, those with noise that others equal."""
        bases = (*cls.unchanged(size).bases, *new)
        common = Counter(tuple(sorted(one)) for one in bases)
        shared = [number for number in range(size, len(bases)) if common[tuple(sorted(bases[number]))] > 1]
        return cls(bases, frozenset(shared))

    def select(self, kept: Sequence[int]) -> "RowOrigins":
        """Return the origins of a table of some of the rows.

        Args:
            kept: For each new id, the id that it has here.
        """
        noisy = frozenset(new for new, old in enumerate(kept) if old in self.noisy)
        return RowOrigins(tuple(self.bases[old] for old in kept), noisy)

    def to_json(self) -> dict[str, Any]:
        """Return the table for a JSON file: runs of rows that follow each other as [first row, how many, first id]."""
        runs: list[list[int]] = []
        others: dict[str, list[int]] = {}
        for number, bases in enumerate(self.bases):
            if len(bases) != 1 or number in self.noisy:
                others[str(number)] = list(bases)
            elif runs and (bases[0], number) == (runs[-1][0] + runs[-1][1], runs[-1][2] + runs[-1][1]):
                runs[-1][1] += 1
            else:
                runs.append([bases[0], 1, number])
        return {"runs": runs, "others": others, "noisy": sorted(self.noisy)}

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned.

        Raises:
            ValueError: If it is nothing of the kind.
        """
        bases: dict[int, Bases] = {int(number): tuple(rows) for number, rows in table["others"].items()}
        for first, count, start in table["runs"]:
            bases.update({start + place: (first + place,) for place in range(count)})
        if sorted(bases) != list(range(len(bases))) or not bases.keys() >= set(table["noisy"]):
            raise ValueError("it has not one entry for each id")
        return cls(tuple(bases[number] for number in range(len(bases))), frozenset(table["noisy"]))


def find_relative(character: str, known: Iterable[str]) -> str | None:
    """Find the character that a new one resembles most among those that a tokenizer has.

    That is its other case, or the letter that it is by its Unicode name, marks aside (`LATIN SMALL LETTER E WITH
    OGONEK` is an `e`). It is a start that differs from character to character, as that of `<unk>` for all would not;
    in the NLL before training the three ways hardly differ (`benchmarks/new_rows.py`).

    Example:
        >>> find_relative("ң", {"н", "о"}), find_relative("Ө", {"ө"}), find_relative("字", {"a"})
        ('н', 'ө', None)
    """
    for one in (character.swapcase(), _plain(character), _plain(character).swapcase()):
        if len(one) == 1 and one in known and one != character:
            return one
    return None


def _plain(character: str) -> str:
    """Return the character that one is without its marks, by its name; itself where there is none."""
    try:
        return unicodedata.lookup(unicodedata.name(character).split(" WITH ")[0])
    except (ValueError, KeyError):
        return character
