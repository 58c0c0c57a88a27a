"""The readers of the formats, without the places of the pairs."""

from collections.abc import Callable, Iterator
from typing import ParamSpec

from catscale.data.formats.aligned import place_aligned
from catscale.data.formats.jsonl import place_jsonl
from catscale.data.formats.parquet import place_parquet
from catscale.data.formats.ted import place_ted
from catscale.data.formats.tmx import place_tmx
from catscale.data.formats.tsv import place_table
from catscale.data.formats.xliff import place_xliff
from catscale.data.pairs import Pair, Placed

P = ParamSpec("P")


def unplaced(place: Callable[P, Iterator[Placed]]) -> Callable[P, Iterator[Pair]]:
    """The same reader of the pairs alone."""

    def read(*args: P.args, **named: P.kwargs) -> Iterator[Pair]:
        return (pair for _, pair in place(*args, **named))

    return read


read_aligned = unplaced(place_aligned)
read_jsonl = unplaced(place_jsonl)
read_parquet = unplaced(place_parquet)
read_table = unplaced(place_table)
read_ted = unplaced(place_ted)
read_tmx = unplaced(place_tmx)
read_xliff = unplaced(place_xliff)
