"""The subcommands of `catscale data`: arguments and actions."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from catscale.system.console.messages import Say, print_json, print_result
from catscale.system.console.streams import require_output

if TYPE_CHECKING:
    from catscale.recipes.fetch import Fetched
    from catscale.recipes.recipe import Recipe
    from catscale.recipes.remote_file import RemoteFile

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DATA = Path("data")


def add_list(commands: "Commands") -> None:
    """Run `catscale data list`."""
    text = "the benchmarks that can be fetched, and which are here (below data/)"
    _add_recipes(commands.add_parser("list", help=text, description=f"{text[:1].upper()}{text[1:]}."))


def add_fetch(commands: "Commands") -> None:
    """Run `catscale data fetch`."""
    text = "download a benchmark, check it, and write a configuration for it"
    fetch = commands.add_parser("fetch", help=text, description=f"{text[:1].upper()}{text[1:]}.")
    fetch.add_argument("name", metavar="NAME", help="as `catscale data list` has it, or one of --recipes")
    fetch.add_argument("--out", type=Path, metavar="DIR", help="its folder (data/NAME)")
    text = "folder of the archives, which benchmarks may share (DIR/downloads)"
    fetch.add_argument("--downloads", type=Path, metavar="DIR", help=text)
    _add_recipes(fetch)


def _add_recipes(parser: argparse.ArgumentParser) -> None:
    text = "YAML with addresses, checksums or recipes of your own"
    parser.add_argument("--recipes", type=Path, metavar="FILE", help=text)


def run_list(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale data list`."""
    from catscale.recipes.fetch import is_complete
    from catscale.recipes.recipe import load_table
    from catscale.system.console.terminal import TerminalTable, find_width, show

    require_output("open it, as a shell does unless >&- is written")
    table, grid = load_table(options.recipes), TerminalTable("benchmarks")
    for name in ("name", "directions", "pairs", "download", "here"):
        grid.add_column(name, justify="left" if name in ("name", "here") else "right")
    for name, recipe in table.recipes.items():
        files, out = table.needed(recipe), DATA / name
        here = is_complete(out / "corpus", table, recipe, out / "downloads")
        pairs = sum(recipe.expected.pairs.values())
        grid.add_row(
            name,
            str(_directions(recipe)),
            f"{pairs / 1e6:.1f} M" if pairs >= 1_000_000 else f"{pairs / 1e3:,.0f} K",
            _size_of(files),
            str(out) if here else "no",
        )
    show(grid)
    for name, recipe in table.recipes.items():
        _print_source(name, recipe, find_width())


def _print_source(name: str, recipe: "Recipe", width: int) -> None:
    """Print a benchmark's sources, its license and its address, which stays in one piece to be clicked on."""
    for text in (f"{name}: {recipe.title}", f"  license: {recipe.license}", f"  {recipe.homepage}"):
        for line in wrap(text, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False):
            print_result(line)


def run_fetch(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale data fetch`."""
    from catscale.recipes.fetch import choose, fetch
    from catscale.recipes.recipe import load_table

    table = load_table(options.recipes)
    recipe = choose(table, options.name)
    fetched = fetch(table, options.name, options.out or DATA / options.name, options.downloads, say)
    if not fetched.is_new:
        say(f"{fetched.folder} is there and complete; nothing to do")
    _print_counts(fetched, recipe, say)
    for note in recipe.notes:
        say(f"note: {note}")
    print_result(fetched.config)


def _print_counts(fetched: "Fetched", recipe: "Recipe", say: Say) -> None:
    """Print found against expected, by language, the smallest first."""
    from catscale.system.console.terminal import TerminalTable, plain, show

    grid = TerminalTable(f"train pairs; expected: {recipe.expected.source}")
    for name in ("language", "found", "expected", "difference", "dev", "test"):
        grid.add_column(name, justify="left" if name == "language" else "right")
    for count in sorted(fetched.counts, key=lambda count: count.train):
        difference = "" if count.difference is None else f"{count.difference:+.1f} %"
        grid.add_row(
            count.language,
            f"{count.train:,}",
            "" if count.expected is None else f"{count.expected:,}",
            plain(difference, "red" if count.is_off else ""),
            f"{count.dev:,}",
            f"{count.test:,}",
        )
    show(grid)
    if off := [count.language for count in fetched.counts if count.is_off]:
        say(
            f"warning: by more than {recipe.expected.tolerance:g} % another number than expected: {', '.join(off)}; "
            "see the notes, and docs/recipes.md"
        )
    if other := [count.language for count in fetched.counts if count.is_other]:
        say(
            f"warning: other sentence pairs than those on record: {', '.join(other)}; scores on them do not compare "
            "with those in docs/results.md"
        )
    if fetched.missing:
        say(f"warning: incomplete, without {', '.join(fetched.missing)}: files have to be put there, see above")


def _directions(recipe: "Recipe") -> int:
    data = recipe.config["data"]
    return len(data.get("directions") or data.get("targets") or recipe.expected.pairs)


def _size_of(files: "Mapping[str, RemoteFile]") -> str:
    from catscale.recipes.space import format_bytes

    known, unknown = sum(file.bytes or 0 for file in files.values()), any(file.bytes is None for file in files.values())
    if unknown:
        return f"over {format_bytes(known)}" if known else "not known"
    return format_bytes(known)


def add_stats(commands: "Commands", positive: Callable[[str], int]) -> None:
    """Run `catscale data stats`.

    Args:
        commands: The subcommands of `catscale data`.
        positive: Reads a number of at least 1.
    """
    text = "what a corpus holds: sizes, lengths, duplicates, overlap, untranslated lines, scripts, imbalance"
    stats = commands.add_parser("stats", help=text, description=f"{text[:1].upper()}{text[1:]}.")
    stats.add_argument(
        "path", type=Path, metavar="PATH", help="a configuration, a token store, a corpus folder, or a file of pairs"
    )
    stats.add_argument(
        "--config", type=Path, metavar="CONFIG", help="how to read the folder, where its layout is not known"
    )
    stats.add_argument(
        "--directions", metavar="LIST", help="as in en-az,en-be (the configuration's, or all from English)"
    )
    stats.add_argument(
        "--vocabulary", type=Path, metavar="V", help="count pieces too: a SentencePiece model, a token store or a run"
    )
    stats.add_argument("--out", type=Path, metavar="DIR", help="write stats.json, stats.html and the figure there")
    stats.add_argument("--json", action="store_true", help="print stats.json instead of tables")
    stats.add_argument("--jobs", type=positive, default=1, metavar="N", help="processes (1)")


def run_stats(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale data stats`."""
    from catscale.report.corpus_terminal import print_statistics
    from catscale.run.commands.data_stats import Given, describe_corpus
    from catscale.run.folder.output import STATISTICS
    from catscale.system.writing.markers import check_claim, claimed

    if options.out is None:
        require_output("name a folder with --out")
    else:
        check_claim(options.out, STATISTICS)  # before a corpus is read for minutes
    names = [name.strip() for name in (options.directions or "").split(",") if name.strip()]
    statistics = describe_corpus(Given(options.path, options.config, options.vocabulary, names), options.jobs, say)
    if options.json:
        print_json(statistics.as_json())
    else:
        print_statistics(statistics)
    if options.out is not None:
        from catscale.report.corpus_page import write_statistics

        with claimed(options.out, STATISTICS):
            write_statistics(statistics, options.out, say)
        say(f"page: {options.out / 'stats.html'}")
