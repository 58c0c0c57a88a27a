"""What each subcommand of `catscale data` takes and does."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Say = Callable[[str], None]


def add_stats(commands: "Commands", positive: Callable[[str], int]) -> None:
    """`catscale data stats`.

    Args:
        commands: Of `catscale data`.
        positive: Reads a number of at least 1.
    """
    text = "what a corpus holds: sizes, lengths, duplicates, overlap, untranslated lines, scripts, imbalance"
    stats = commands.add_parser("stats", help=text, description=f"{text[:1].upper()}{text[1:]}.")
    stats.add_argument("path", type=Path, metavar="PATH", help="a configuration, a token store or a corpus folder")
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
    """`catscale data stats`."""
    from catscale.report.corpus_terminal import print_statistics
    from catscale.run.data_statistics import Given, describe_corpus

    names = [name.strip() for name in (options.directions or "").split(",") if name.strip()]
    statistics = describe_corpus(Given(options.path, options.config, options.vocabulary, names), options.jobs, say)
    if options.json:
        print(json.dumps(statistics.as_json(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        print_statistics(statistics)
    if options.out is not None:
        from catscale.report.corpus_page import write_statistics

        write_statistics(statistics, options.out, say)
        say(f"page: {options.out / 'stats.html'}")
