"""`catscale`: arguments in, exit status out. Commands import what they need when they run."""

import argparse
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from catscale import __version__
from catscale.cli import data_commands
from catscale.cli.decoding_options import add_decoding
from catscale.cli.overrides_option import add_overrides
from catscale.errors import CatscaleError
from catscale.system.console.messages import said_meanwhile, say, say_error
from catscale.system.console.safe_text import for_message
from catscale.system.console.streams import prepare_streams, settle_output
from catscale.system.environment import check_arguments, check_memory, check_threads, find_unloadable, is_out_of_memory
from catscale.system.offline import stay_offline
from catscale.system.parent import watch_parent
from catscale.system.stopping import heeded

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

INTERRUPTED = 130
RUN = ("demo", "train", "evaluate", "sweep", "compare", "analyze")
WITH_TORCH = {"prepare": "catscale.data.preparation.prepare", "watch": "catscale.run.watch.view"} | {
    name: f"catscale.run.commands.{name}" for name in RUN
}
"""Commands that load PyTorch, whatever they are asked to do, and the module that does, which takes seconds."""
OUT_OF_MEMORY = (
    "out of memory ({}); raise the limit (ulimit -v, the container's), or ask for less: a smaller "
    "training.sub_batch_tokens, model or evaluation.batch_tokens, fewer --jobs"
)
NOT_LOADED = (
    "the library {} cannot be loaded ({}: {}); unset the environment variable that it complains of, or install it again"
)
NO_UNICODE = (
    "the text {!r} cannot be written in this environment's character encoding ({}); set LC_ALL=C.UTF-8 or PYTHONUTF8=1"
)


class Parser(argparse.ArgumentParser):
    """A parser whose messages repeat the user's arguments safely."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong, and end with status 2."""
        super().error(for_message(message))


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser: argparse.ArgumentParser = Parser(
        prog="catscale",
        description="Train one translation model for many languages whose data are badly out of balance.",
        epilog="Exit status: 0 done, 2 a mistake in configuration, data or arguments, 3 training diverged, "
        "130 interrupted with the state saved.",
    )
    parser.add_argument("--version", action="version", version=f"catscale {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_prepare(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_translate(commands)
    _add_sweep(commands)
    _add_compare(commands)
    _add_analyze(commands)
    _add_data(commands)
    _add_watch(commands)
    _add_completion(commands)
    return parser


def _add(commands: "Commands", name: str, text: str) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:]}.")


def _add_demo(commands: "Commands") -> None:
    demo = _add(commands, "demo", "generate a small corpus, train T=1, T=5 and cats_sampling on it, and compare them")
    demo.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder of everything (demo)")
    demo.add_argument(
        "--languages",
        metavar="LIST",
        help="CLDR languages beside English, as in az,be,pt or sw=20000,fr=200000 (the eight of TED-8 related)",
    )
    demo.add_argument("--steps", type=_positive, metavar="N", help="updates of each run")
    _add_methods(demo, ["T=1", "T=5", "cats_sampling"])
    demo.add_argument("--jobs", type=_positive, metavar="N", help="runs at a time, one thread each (one a method)")


def _add_prepare(commands: "Commands") -> None:
    prepare = _add(
        commands,
        "prepare",
        "read the corpora, train the vocabulary, write the token store (train does it too, when needed)",
    )
    _add_config(prepare)
    prepare.add_argument(
        "--jobs", type=_positive, metavar="N", help="processes (as many as processors; one for a small corpus)"
    )


def _add_train(commands: "Commands") -> None:
    train = _add(commands, "train", "train a model, or continue an interrupted run")
    _add_config(train)
    train.add_argument("--out", type=Path, metavar="RUN", help="the run's folder (runs/NAME of the configuration)")


def _add_evaluate(commands: "Commands") -> None:
    evaluate = _add(commands, "evaluate", "NLL, BLEU and chrF of the best model, by direction")
    _add_run(evaluate)
    evaluate.add_argument(
        "--split", action="append", choices=("dev", "test"), dest="splits", help="what to score (test); may be repeated"
    )
    evaluate.add_argument("--directions", metavar="LIST", help="those to score, as in en-az,en-be (all)")
    add_decoding(
        evaluate,
        scores="write translations/SPLIT.en-xx.scores, the log-probability of each translation",
        n_best="write translations/SPLIT.en-xx.nbest, the N best translations of each sentence",
    )


def _add_translate(commands: "Commands") -> None:
    translate = _add(commands, "translate", "translate lines from standard input to standard output")
    _add_run(translate)
    translate.add_argument("--to", required=True, metavar="XX", help="target language")
    translate.add_argument("--from", dest="source", metavar="XX", help="source language, where there are several")
    translate.add_argument("--input", type=Path, metavar="F", help="file to read (standard input)")
    translate.add_argument("--output", type=Path, metavar="F", help="file to write (standard output)")
    translate.add_argument(
        "--ensemble",
        type=Path,
        nargs="+",
        default=[],
        metavar="RUN",
        help="more runs of the same vocabulary, whose models decode together",
    )
    add_decoding(
        translate,
        scores="the log-probability of each translation before it, and a tab: the sum over its tokens",
        n_best="the N best translations, each on a line: number of the source line, tab, translation (1, plain)",
    )


def _add_sweep(commands: "Commands") -> None:
    sweep = _add(commands, "sweep", "train and evaluate methods × seeds at the same budget, then compare them")
    _add_config(sweep)
    _add_methods(sweep, None)
    sweep.add_argument("--out", type=Path, metavar="DIR", help="the sweep's folder (sweeps/NAME of the configuration)")
    sweep.add_argument("--jobs", type=_positive, default=1, metavar="N", help="runs at a time (1)")


def _add_methods(parser: argparse.ArgumentParser, default: list[str] | None) -> None:
    parser.add_argument(
        "--methods",
        nargs="+",
        default=default,
        required=default is None,
        metavar="METHOD",
        help="T=5, a balancing method or a sampler, with settings, joined: T=1 T=5 cats T=1+cats:alpha_lr=0.01"
        + (f" ({' '.join(default)})" if default else ""),
    )
    parser.add_argument(
        "--seeds", nargs="+", type=_seed, default=[1], metavar="N", help="a run of each method a seed (1)"
    )


def _add_compare(commands: "Commands") -> None:
    compare = _add(commands, "compare", "evaluated runs side by side, with the significance of their differences")
    compare.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="runs' folders, or folders that hold runs")
    compare.add_argument("--out", type=Path, default=Path("comparison"), metavar="DIR", help="where to (comparison)")
    compare.add_argument(
        "--baseline", metavar="NAME", help="method to compare with, as in T=5 (the best temperature on the dev set)"
    )
    compare.add_argument("--split", choices=("dev", "test"), default="test", help="what to compare (test)")
    compare.add_argument(
        "--metric", choices=("bleu", "chrf", "nll", "ter"), default="bleu", help="table to print (bleu)"
    )
    compare.add_argument(
        "--resamples", type=_positive, metavar="N", help="test sets drawn (1000, or as many as the correction needs)"
    )
    compare.add_argument("--seed", type=_positive, default=1, metavar="N", help="of the resampling (1)")
    compare.add_argument("--force", action="store_true", help="go on where runs are not comparable, and say why not")
    compare.add_argument(
        "--outside", action="append", default=[], metavar="NAME=FOLDER",
        help="translations of another system (FOLDER/test.en-xx.hyp), beside the runs; may be repeated",
    )  # fmt: skip


def _add_analyze(commands: "Commands") -> None:
    analyze = _add(commands, "analyze", "curvature and gradient similarity of a run's checkpoints, by direction")
    _add_run(analyze)
    analyze.add_argument(
        "--steps",
        type=_steps,
        default="newest",
        metavar="WHICH",
        help="newest, best, all (every kept checkpoint), or the number of one (newest)",
    )
    analyze.add_argument("--split", choices=("train", "dev"), help="data that gradients are taken from (train)")
    analyze.add_argument(
        "--top", type=_positive, metavar="N", help="eigenvalues: 1 by power iteration, more by Lanczos"
    )
    analyze.add_argument("--groups", action="store_true", help="curvature of each group of modules too (E.SA, E.FC …)")
    analyze.add_argument("--directions", metavar="LIST", help="those to measure, as in en-az,en-be (all)")
    add_overrides(analyze, "a setting of analysis, as in analysis.tokens=512")


def _add_watch(commands: "Commands") -> None:
    watch = _add(commands, "watch", "a live page of a run or a sweep, for a browser on this machine")
    watch.add_argument("folder", type=Path, metavar="RUN", help="the folder of a run, or of a sweep")
    watch.add_argument("--port", type=_port, default=0, metavar="N", help="of the address (any that is free)")


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"must be from 0 to 65535, found {text!r}")
    return int(text)


def _add_data(commands: "Commands") -> None:
    data = _add(commands, "data", "corpora: benchmarks to fetch, and what a corpus holds")
    inner = data.add_subparsers(dest="data_command", required=True, metavar="COMMAND")
    data_commands.add_list(inner)
    data_commands.add_fetch(inner)
    data_commands.add_stats(inner, _positive)


def _add_completion(commands: "Commands") -> None:
    completion = _add(commands, "completion", "print a script that completes commands and options in a shell")
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="SHELL", help="bash, zsh or fish")


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a YAML file")
    add_overrides(parser, "a setting, as in training.seed=2")


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 … (the run's setting)")


def _seed(text: str) -> int:
    return _natural(text, 0, 2**63 - 1)


def _positive(text: str) -> int:
    return _natural(text, 1, 10**9)


def _natural(text: str, least: int, most: int) -> int:
    """A whole number that is what it looks like: `int` reads 1_000, 017 and digits of every script."""
    if not re.fullmatch("0|[1-9][0-9]{0,18}", text) or not least <= int(text) <= most:
        allowed = "at least 1" if least else "from 0 to 2^63 - 1"
        raise argparse.ArgumentTypeError(
            f"must be {allowed}, a whole number without signs or leading zeros{' and at most 10^9' * least}, "
            f"found {text[:40]!r}"
        )
    return int(text)


def _steps(text: str) -> str:
    if text not in ("newest", "best", "all") and not re.fullmatch("[0-9]{1,18}", text):
        raise argparse.ArgumentTypeError(f"must be newest, best, all or the number of a step, found {text!r}")
    return text


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """Let the other signals that ask to stop do what Ctrl-C does: half-written folders are removed, jobs of the demo
    and of a sweep are stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [n for n in heeded() if n == signal.SIGTERM or signal.getsignal(n) is signal.SIG_DFL]
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    prepare_streams()
    try:
        check_arguments(sys.argv[1:] if arguments is None else arguments)
        options = build_parser().parse_args(arguments)
        check_threads()
        if options.command in WITH_TORCH or getattr(options, "data_command", None) == "stats":
            check_memory()
        prepare_libraries()
        with termination_interrupts():
            watch_parent()
            from catscale.cli import commands

            if options.command in WITH_TORCH:
                with said_meanwhile("loading PyTorch …"):
                    import_module(WITH_TORCH[options.command])
            getattr(commands, f"run_{options.command}")(options, say)
            sys.stdout.flush()  # here, where a closed pipe is caught
        return 0
    except (Exception, KeyboardInterrupt) as error:
        settle_output()
        if isinstance(error, BrokenPipeError):
            return 0  # the reader of standard output has seen enough
        message, status = explain(error)
        if message is None:
            raise
        if message:
            say_error(message)
        return status


def prepare_libraries() -> None:
    """Keep what we use quiet and offline."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    stay_offline()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def explain(error: BaseException) -> tuple[str | None, int]:
    """What to tell the user of an error, and the exit status; None for a defect of ours, which keeps its traceback.

    The text is empty where another process tells it.
    """
    if isinstance(error, CatscaleError):
        return "" if error.is_told else str(error), error.exit_status
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", INTERRUPTED
    if is_out_of_memory(error):
        return OUT_OF_MEMORY.format(_first_line(error)), CatscaleError.exit_status
    if (library := find_unloadable(error)) is not None:
        return NOT_LOADED.format(library, type(error).__name__, _first_line(error)), CatscaleError.exit_status
    if isinstance(error, OSError):  # of a file that no message of ours is about: a disk that is full, no access
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}; check permissions and free space", CatscaleError.exit_status
    if isinstance(error, UnicodeEncodeError):
        return NO_UNICODE.format(error.object[:80], error.encoding), CatscaleError.exit_status
    return None, 1


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]
