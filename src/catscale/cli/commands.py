"""What each command does: read its arguments, call the library, print the result."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from catscale.errors import ConfigError
from catscale.system.files import user_errors
from catscale.system.messages import print_result, print_text
from catscale.system.output import write_output

Say = Callable[[str], None]


def run_prepare(options: argparse.Namespace, say: Say) -> None:
    """`catscale prepare`."""
    from catscale.data.prepare import prepare
    from catscale.run.config import load_config

    config = load_config(options.config, options.overrides)
    store = prepare(config.data, config.vocabulary, say, options.jobs, bar=True)
    print_result(store.folder)


def run_train(options: argparse.Namespace, say: Say) -> None:
    """`catscale train`."""
    from catscale.run.config import load_config
    from catscale.run.train import train

    config = load_config(options.config, options.overrides)
    folder = options.out or Path("runs") / options.config.stem
    train(config, folder, say)
    if os.environ.get("RANK", "0") == "0":  # under torchrun, one process speaks
        print_result(folder)


def run_evaluate(options: argparse.Namespace, say: Say) -> None:
    """`catscale evaluate`."""
    from catscale.report.table import print_scores
    from catscale.run.evaluate import evaluate

    for split in dict.fromkeys(options.splits or ["test"]):
        print_scores(evaluate(options.run, split, options.device, say), split)


def run_translate(options: argparse.Namespace, say: Say) -> None:
    """`catscale translate`."""
    from catscale.run.evaluate import translate

    with ExitStack() as stack:
        source = stack.enter_context(open_input(options.input))
        lines = translate(options.run, options.to, options.source, source, options.device, say)
        if options.output is not None:
            write_output(options.output, "".join(f"{line}\n" for line in lines).encode())
            return
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        for line in lines:
            print_text(line)


def run_compare(options: argparse.Namespace, say: Say) -> None:
    """`catscale compare`."""
    from catscale.comparison.compare import Question
    from catscale.report.table import print_comparison
    from catscale.run.compare import compare

    question = Question(options.split, options.baseline, options.resamples, options.seed, options.force, options.metric)
    comparison = compare(options.runs, options.out, question, say)
    print_comparison(comparison, options.metric)
    say(f"report: {options.out / 'report.html'}")


def run_analyze(options: argparse.Namespace, say: Say) -> None:
    """`catscale analyze`."""
    from catscale.report.analysis_table import print_analysis
    from catscale.run.analyze import analyze

    others = [text for text in options.overrides if not text.startswith("analysis.")]
    if others:
        raise ConfigError(
            f"--set of `catscale analyze` takes settings of analysis, as in analysis.tokens=512; found {others[0]!r}"
        )
    given = {"split": options.split, "top": options.top, "groups": options.groups or None}
    overrides = [f"analysis.{key}={value}" for key, value in given.items() if value is not None]
    if options.directions is not None:
        names = [name.strip() for name in options.directions.split(",") if name.strip()]
        overrides.append(f"analysis.directions={json.dumps(names)}")
    for record in analyze(options.run, options.steps, [*overrides, *options.overrides], options.device, say):
        print_analysis(record)


def run_demo(options: argparse.Namespace, say: Say) -> None:
    """`catscale demo`."""
    from catscale.run.demo import demo

    demo(options.out, options.languages, options.steps, options.methods, options.seeds, options.jobs, say)


def run_sweep(options: argparse.Namespace, say: Say) -> None:
    """`catscale sweep`."""
    from catscale.comparison.compare import Question
    from catscale.report.table import print_comparison
    from catscale.run.compare import compare
    from catscale.run.config import load_config
    from catscale.run.sweep import sweep

    config = load_config(options.config, options.overrides)
    folder = options.out or Path("sweeps") / options.config.stem
    runs = sweep(config, options.methods, options.seeds, folder, options.jobs, say)
    if len(runs) > 1:
        print_comparison(compare([run.folder for run in runs], folder, Question(), say))
        say(f"report: {folder / 'report.html'}")


def run_data(options: argparse.Namespace, say: Say) -> None:
    """`catscale data`."""
    from catscale.cli import data_commands

    getattr(data_commands, f"run_{options.data_command}")(options, say)


@contextmanager
def open_input(path: Path | None) -> Iterator[Iterator[str]]:
    """Lines of a file or of standard input, cut at line feeds only.

    Raises:
        ConfigError: If they are not UTF-8, naming the line, or there is no standard input.
    """
    if path is None and sys.stdin is None:
        raise ConfigError("standard input is closed; pipe text in, or name a file with --input")
    name = "standard input" if path is None else str(path)
    with ExitStack() as stack:
        if path is None:
            binary: BinaryIO = sys.stdin.buffer
        else:
            with user_errors("read", path):
                binary = stack.enter_context(path.open("rb"))
        yield _decode(binary, name)


def _decode(binary: BinaryIO, name: str) -> Iterator[str]:
    for number, line in enumerate(binary, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\n")  # a byte order mark is no text
        except UnicodeDecodeError as error:
            raise ConfigError(f"{name}, line {number}: not valid UTF-8 ({error.reason}); convert it") from error
