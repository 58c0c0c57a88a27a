"""A corpus' statistics on the terminal: tables that fit its width, and lines that show what may be wrong."""

import math
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from rich import box

from catscale.corpus_statistics.balance import Balance
from catscale.corpus_statistics.corpus import CorpusStatistics
from catscale.corpus_statistics.examples import KINDS, Example
from catscale.report.corpus_tables import NONE, Grid, make_grids, share_of
from catscale.system.console.messages import print_result
from catscale.system.console.safe_text import for_terminal
from catscale.system.console.terminal import TerminalTable, make_console, show

BAR = 40  # characters of the longest one
EIGHTHS = " ▏▎▍▌▋▊▉█"
NAMES = 2  # columns that name a row: direction and split
GAP = 2  # characters between columns
SHOWN = 3  # examples of a kind
TEXT = 60  # characters of an example's text
NOTHING = {"0", "0%", NONE}


def print_statistics(statistics: CorpusStatistics) -> None:
    """Print tables of sizes and of what may be wrong, examples, the bars of the train pairs, and their entropy."""
    width = make_console().width
    *sizes, faults = make_grids(statistics)
    for grid in sizes:
        if "in characters" not in grid.title:  # the page has them, and stats.json
            for part in take_apart(grid, width):
                _print_grid(part, width)
    found, clear = drop_clear(faults)
    for part in divide(found, width) if found.groups else ():
        _print_grid(drop_clear(part)[0], width)
    if clear:
        _print_sentence(f"nothing in any split: {'; '.join(clear)}", width)
    _print_examples(statistics)
    show(_bars(statistics.balance, width))
    _print_sentence(sum_up_balance(statistics.balance), width)
    for note in statistics.notes:
        _print_sentence(f"note: {note}", width)


def sum_up_balance(balance: Balance) -> str:
    """Return totals and entropies in a sentence."""
    ratio = "" if balance.largest_to_smallest is None else f"largest : smallest {balance.largest_to_smallest:,.1f}; "
    return (
        f"{balance.total:,} train pairs in {len(balance.pairs)} direction{'s' * (len(balance.pairs) != 1)}; {ratio}"
        f"entropy of the shares {balance.entropy_nats:.2f} nats = {balance.entropy_base_10:.2f} with base-10 logarithms"
    )


def drop_clear(grid: Grid) -> tuple[Grid, list[str]]:
    """Leave out the columns and the rows in which nothing was found; returns the names of these columns too."""
    rows = [row for group in grid.groups for row in group]
    kept = [n for n in range(len(grid.head)) if n < NAMES or any(row[n] not in NOTHING for row in rows)]
    groups = [[[row[n] for n in kept] for row in group if not NOTHING.issuperset(row[NAMES:])] for group in grid.groups]
    clear = [text for n, text in enumerate(grid.head) if n not in kept]
    return Grid(grid.title, [grid.head[n] for n in kept], [group for group in groups if group]), clear


def take_apart(grid: Grid, width: int) -> list[Grid]:
    """Divide a table of sizes and lengths that is too wide into one of sizes and one of lengths."""
    if len(divide(grid, width)) == 1:
        return [grid]
    lengths = [n for n, text in enumerate(grid.head) if n >= NAMES and text.startswith("length")]
    sizes = [n for n in range(NAMES, len(grid.head)) if n not in lengths]
    title, _, statistics = grid.title.partition(" (")
    unit = title.rpartition(" ")[2]
    return [_columns(grid, sizes, f"Sizes in {unit}"), _columns(grid, lengths, f"Lengths in {unit} ({statistics}")]


def _columns(grid: Grid, columns: list[int], title: str) -> Grid:
    """Return some columns of a table, beside the names of its rows."""
    kept = [*range(NAMES), *columns]
    groups = [[[row[n] for n in kept] for row in group] for group in grid.groups]
    return Grid(title, [grid.head[n] for n in kept], groups)


def divide(grid: Grid, width: int) -> list[Grid]:
    """Divide a table into several of as many columns as fit beside each other, each with the names of its rows."""
    widths = [column + GAP for column in _widths(grid)]
    parts: list[list[int]] = [[]]
    for n in range(NAMES, len(grid.head)):
        if parts[-1] and sum(widths[:NAMES]) + sum(widths[m] for m in parts[-1]) + widths[n] > width:
            parts.append([])
        parts[-1].append(n)
    continued = f"{grid.title.split(' (')[0]}, continued"
    return [_columns(grid, part, continued if number else grid.title) for number, part in enumerate(parts)]


def _widths(grid: Grid) -> list[int]:
    """Return the characters of each column: of its cells, and of the words of its header, which stand below each
    other."""
    rows = [row for group in grid.groups for row in group]
    return [max(map(len, [*(row[n] for row in rows), *text.split()])) for n, text in enumerate(grid.head)]


def _print_sentence(text: str, width: int) -> None:
    for line in wrap(for_terminal(text), width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False):
        print_result(line)


def _print_grid(grid: Grid, width: int) -> None:
    for part in divide(grid, width):
        _print_sentence(part.title, width)
        show(_table(part))
        print_result("")


def _table(grid: Grid) -> TerminalTable:
    table = TerminalTable(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, GAP - 1, 0, 0), pad_edge=False)
    for place, (text, width) in enumerate(zip(grid.head, _widths(grid), strict=True)):
        table.add_column(text, justify="left" if place < NAMES else "right", width=width)
    for rows in grid.groups:
        for number, (direction, *cells) in enumerate(rows):
            table.add_row(direction if number == 0 else "", *cells)
    return table


def _print_examples(statistics: CorpusStatistics) -> None:
    """Print a few lines of each kind, from as many directions as there are, with file and number."""
    for kind, meaning in KINDS.items():
        found = list(examples_of(statistics, kind))
        if found:
            print_result(f"{kind.replace('_', ' ')}, for example ({meaning}):")
        for example in found[:SHOWN]:
            print_result(f"  {for_terminal(below(example.file, statistics.path))}:{example.line}")
            print_result(f"    {_shorten(example.source)}")
            print_result(f"    {_shorten(example.target)}")


def examples_of(statistics: CorpusStatistics, kind: str) -> Iterator[Example]:
    """Yield the examples of every direction and split in turn: first the first one of each."""
    of_kind = [
        [example for example in split.examples if example.kind == kind]
        for splits in statistics.directions.values()
        for split in splits.values()
    ]
    for number in range(max(map(len, of_kind), default=0)):
        yield from (examples[number] for examples in of_kind if number < len(examples))


def below(file: str, folder: str) -> str:
    """Return a file as seen from the folder that the user named, where it lies there."""
    path = Path(file)
    return str(path.relative_to(folder)) if path != Path(folder) and path.is_relative_to(folder) else file


def _shorten(text: str) -> str:
    shown = for_terminal(text.strip())
    return f"“{shown[: TEXT - 1]}…”" if len(shown) > TEXT else f"“{shown}”"


def _bars(balance: Balance, width: int) -> TerminalTable:
    floor = balance.floor
    top = max(10 * floor, *balance.pairs.values())
    table = TerminalTable(
        "Train pairs", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, GAP - 1, 0, 0), pad_edge=False
    )
    table.add_column("direction", no_wrap=True)
    table.add_column("pairs", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    taken = max(map(len, balance.pairs)) + len(f"{top:,}") + 20
    bar = max(10, min(BAR, width - taken))
    table.add_column(f"logarithmic scale, {floor:,} to {top:,}", width=bar, no_wrap=True)
    for name, pairs in balance.pairs.items():
        length = math.log(max(pairs, floor) / floor) / math.log(top / floor)
        table.add_row(name, f"{pairs:,}", share_of(pairs, balance.total), draw_bar(length, bar))
    return table


def draw_bar(length: float, longest: int = BAR) -> str:
    """Return a bar of block characters.

    Args:
        length: The length, from 0 to 1, the longest.
        longest: Characters of that.

    Example:
        >>> draw_bar(1 / 16)
        '██▌'
    """
    eighths = round(8 * longest * length)
    return (EIGHTHS[8] * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()
