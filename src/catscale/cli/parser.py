"""The arguments of every command."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from catscale import __version__
from catscale.cli import data_commands
from catscale.cli.backtranslate_command import add_backtranslate
from catscale.cli.decoding_options import add_decoding
from catscale.cli.export_options import add_export
from catscale.cli.metric_names import MetricNames
from catscale.cli.overrides_option import add_overrides
from catscale.run.folder.places import MODELS
from catscale.system.console.safe_text import for_message

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


class Parser(argparse.ArgumentParser):
    """A parser whose messages repeat the user's arguments safely."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and what is wrong, and end with status 2."""
        super().error(for_message(message))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser: argparse.ArgumentParser = Parser(
        prog="catscale",
        description="Train one translation model for many languages whose data are badly out of balance.",
        epilog="Exit status: 0 done, 2 a mistake in configuration, data or arguments, 3 training diverged, "
        "130 interrupted with the state saved.",
    )
    parser.add_argument("--version", action="version", version=f"catscale {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_init(commands)
    _add_prepare(commands)
    _add_train(commands)
    _add_evaluate(commands)
    _add_translate(commands)
    add_backtranslate(commands)
    _add_sweep(commands)
    _add_compare(commands)
    _add_analyze(commands)
    _add_export(commands)
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
    demo.add_argument("--jobs", type=_positive, metavar="N", help="runs at a time, one thread each (one per method)")


def _add_init(commands: "Commands") -> None:
    init = _add(commands, "init", "write a commented configuration for a folder of text")
    init.add_argument("folder", type=Path, metavar="FOLDER", help="the text, in any layout or files by their endings")
    init.add_argument(
        "--pretrained", type=Path, metavar="PATH", help="a model to start from: the folder of NLLB, M2M-100 or RUN/best"
    )
    init.add_argument(
        "--out",
        type=Path,
        default=Path("my.yaml"),
        metavar="FILE",
        help="the configuration, which must not be there (my.yaml)",
    )


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
    train.add_argument(
        "--dry-run",
        action="store_true",
        help="print mixture, epochs, memory and time after a few steps, and write nothing",
    )


def _add_evaluate(commands: "Commands") -> None:
    evaluate = _add(commands, "evaluate", "NLL, BLEU, chrF and other metrics of the best model, by direction")
    _add_run(evaluate)
    evaluate.add_argument(
        "--split", action="append", choices=("dev", "test"), dest="splits", help="what to score (test); may be repeated"
    )
    evaluate.add_argument("--directions", metavar="LIST", help="those to score, as in en-az,en-be (all)")
    evaluate.add_argument(
        "--model",
        choices=MODELS,
        default="best",
        help="another model than the best of all: the best of a kind, where the run has averages, scored in "
        "RUN/averages/KIND, or the one that it began with, where that was pre-trained, in RUN/base",
    )
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
    sweep.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help="runs at a time, one on a GPU at most (one for each GPU, or 1)",
    )
    sweep.add_argument(
        "--slurm",
        nargs="*",
        metavar="KEY=VALUE",
        help="give the runs to a Slurm cluster, each a job, as in partition=gpu gpus=1 cpus=4 minutes=240",
    )


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
    compare.add_argument(
        "runs", type=Path, nargs="+", metavar="[NAME=]RUN",
        help="a run's folder, or a folder that holds runs; NAME is what its method is called (made of its settings)",
    )  # fmt: skip
    compare.add_argument("--out", type=Path, default=Path("comparison"), metavar="DIR", help="where to (comparison)")
    compare.add_argument(
        "--baseline", metavar="NAME", help="method to compare with, as in T=5 (the best temperature on the dev set)"
    )
    compare.add_argument("--split", choices=("dev", "test"), default="test", help="what to compare (test)")
    compare.add_argument(
        "--metric",
        choices=MetricNames(),
        metavar="METRIC",
        help="table to print, of the verdict and of the baseline's choice (bleu)",
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


def _add_export(commands: "Commands") -> None:
    add_export(_add(commands, "export", "write a run's best model for other programs, with a model card"))


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
    """Return a whole number that is what it looks like: `int` reads 1_000, 017 and digits of every script."""
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
