"""A corpus' statistics on the terminal."""

import math

from catscale.corpus_statistics.balance import Balance
from catscale.corpus_statistics.corpus import CorpusStatistics
from catscale.report.corpus_tables import Grid, make_grids, share_of
from catscale.system.messages import print_result
from catscale.system.terminal import Table, show

BAR = 40  # characters of the longest one
EIGHTHS = " ▏▎▍▌▋▊▉█"


def print_statistics(statistics: CorpusStatistics) -> None:
    """Tables of sizes and of what may be wrong, the bars of the train pairs, and their entropy."""
    for grid in make_grids(statistics):
        if "in characters" not in grid.title:  # the page has them, and stats.json
            show(_table(grid), width=200)
    show(_bars(statistics.balance), width=200)
    print_result(sum_up_balance(statistics.balance))
    for note in statistics.notes:
        print_result(f"note: {note}")


def sum_up_balance(balance: Balance) -> str:
    """Totals and entropies in a sentence."""
    ratio = "" if balance.largest_to_smallest is None else f"largest : smallest {balance.largest_to_smallest:,.1f}; "
    return (
        f"{balance.total:,} train pairs in {len(balance.pairs)} directions; {ratio}"
        f"entropy of the shares {balance.entropy_nats:.2f} nats = {balance.entropy_base_10:.2f} with base-10 logarithms"
    )


def _table(grid: Grid) -> Table:
    table = Table(grid.title)
    for place, text in enumerate(grid.head):
        table.add_column(text, justify="left" if place < 2 else "right")
    for rows in grid.groups:
        for row in rows:
            table.add_row(*row)
        if len(rows) > 1:
            table.add_section()
    return table


def _bars(balance: Balance) -> Table:
    floor = balance.floor
    top = max(10 * floor, *balance.pairs.values())
    table = Table("Train pairs")
    table.add_column("direction")
    table.add_column("pairs", justify="right")
    table.add_column("share", justify="right")
    table.add_column(f"logarithmic scale, {floor:,} to {top:,}", width=BAR, no_wrap=True)
    for name, pairs in balance.pairs.items():
        length = math.log(max(pairs, floor) / floor) / math.log(top / floor)
        table.add_row(name, f"{pairs:,}", share_of(pairs, balance.total), draw_bar(length))
    return table


def draw_bar(length: float) -> str:
    """A bar of block characters.

    Args:
        length: From 0 to 1, the longest.

    Example:
        >>> draw_bar(1 / 16)
        '██▌'
    """
    eighths = round(8 * BAR * length)
    return (EIGHTHS[8] * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()
