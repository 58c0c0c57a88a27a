"""Pairs with and without their places."""

from collections.abc import Iterator
from itertools import count, islice

from catscale.data.pairs import Placed, without_places


def test_the_pairs_remain_in_their_order() -> None:
    placed: list[Placed] = [(2, ("a", "b")), (2, ("c", "d")), (9, ("a", "b"))]
    assert list(without_places(iter(placed))) == [("a", "b"), ("c", "d"), ("a", "b")]
    assert list(without_places(iter(()))) == []


def test_pairs_are_read_as_they_are_asked_for() -> None:
    """A file may be larger than the memory, or have no end."""
    read = []

    def endless() -> Iterator[Placed]:
        for line in count(1):
            read.append(line)
            yield line, (str(line), "")

    pairs = without_places(endless())
    assert read == []
    assert list(islice(pairs, 2)) == [("1", ""), ("2", "")]
    assert read == [1, 2]
