"""The commands: each reads its arguments, calls the library and prints the result."""

import argparse
import json
import sys
from pathlib import Path

from catscale.errors import ConfigError
from catscale.system.console.messages import Say, print_cells, print_result
from catscale.system.console.streams import require_output, write_utf8
from catscale.system.writing.output import open_output


def run_init(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale init`."""
    from catscale.run.commands.init import init

    print_result(init(options.folder, options.out, say, options.pretrained))


def run_prepare(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale prepare`."""
    from catscale.data.preparation.prepare import prepare
    from catscale.run.config import load_config

    config = load_config(options.config, options.overrides, say)
    store = prepare(config.data, config.vocabulary, say, options.jobs, bar=True)
    print_result(store.folder)


def run_train(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale train`."""
    from catscale.distributed.processes import speaks_first
    from catscale.run.commands.train import train
    from catscale.run.config import load_config

    config = load_config(options.config, options.overrides, say if speaks_first() else None)
    if options.dry_run:
        from catscale.run.commands.dry_run import dry_run

        dry_run(config, say)
        return
    folder = options.out or Path("runs") / options.config.stem
    train(config, folder, say)
    if speaks_first():
        print_result(folder)


def run_evaluate(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale evaluate`."""
    from catscale.cli.decoding_options import decoding_overrides
    from catscale.evaluation.decoding.contract import Wanted
    from catscale.report.terminal_table import print_scores
    from catscale.run.commands.evaluate import evaluate

    wanted, overrides = Wanted(options.n_best or 1, options.scores), decoding_overrides(options)
    names = None
    if options.directions is not None:
        names = [name.strip() for name in options.directions.split(",") if name.strip()]
    for split in dict.fromkeys(options.splits or ["test"]):
        scores = evaluate(options.run, split, options.device, say, overrides, wanted, names, options.model)
        print_scores(scores, split)


def run_translate(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale translate`."""
    from catscale.cli.decoding_options import decoding_overrides
    from catscale.cli.lines_in import open_lines
    from catscale.evaluation.decoding.contract import Wanted
    from catscale.evaluation.translate import CHUNK
    from catscale.evaluation.translations import rows_of
    from catscale.run.commands.translate import translate

    if options.output is None:
        require_output("name a file with --output")
    numbered = options.n_best is not None
    wanted, overrides = Wanted(options.n_best or 1, options.scores), decoding_overrides(options)
    with open_lines(options.input, max(CHUNK, options.batch or 0)) as chunks:
        if options.input is None and sys.stdin.isatty():
            say("type one sentence per line; Ctrl-D ends")
        where = options.run, options.to, options.source, chunks, options.device
        found = translate(*where, say, overrides, wanted, options.ensemble)
        lists = (rows_of(number if numbered else None, each) for number, each in enumerate(found, 1))
        rows = (row for rows in lists for row in rows)
        if options.output is not None:
            with open_output(options.output) as file:
                for row in rows:
                    file.write("\t".join(row).encode() + b"\n")
                    file.flush()
            return
        write_utf8()
        for row in rows:
            print_cells(row)


def run_backtranslate(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale backtranslate`."""
    from catscale.cli import backtranslate_command

    backtranslate_command.run_backtranslate(options, say)


def run_compare(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale compare`."""
    from catscale.comparison.compare import Question
    from catscale.comparison.outside import parse_outside
    from catscale.report.forgetting_tables import print_forgetting
    from catscale.report.terminal_table import print_comparison
    from catscale.run.commands.compare import compare
    from catscale.run.folder.named import parse_runs

    outside = tuple(parse_outside(options.outside))
    question = Question(
        options.split, options.baseline, options.resamples, options.seed, options.force, options.metric, outside
    )
    folders, names = parse_runs([str(run) for run in options.runs])
    comparison = compare(folders, options.out, question, say, names)
    print_comparison(comparison, options.metric)
    print_forgetting(comparison, options.metric or comparison.metric)
    say(f"report: {options.out / 'report.html'}")


def run_analyze(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale analyze`."""
    from catscale.report.analysis_table import print_analysis
    from catscale.run.commands.analyze import analyze

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
    """Run `catscale demo`."""
    from catscale.run.commands.demo import demo

    demo(options.out, options.languages, options.steps, options.methods, options.seeds, options.jobs, say)


def run_sweep(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale sweep`."""
    from catscale.comparison.compare import Question
    from catscale.report.terminal_table import print_comparison
    from catscale.run.commands.compare import compare
    from catscale.run.commands.sweep import sweep
    from catscale.run.config import load_config
    from catscale.run.slurm_settings import parse_slurm
    from catscale.run.sweep_plan import models_differ

    config = load_config(options.config, options.overrides, say)
    folder = options.out or Path("sweeps") / options.config.stem
    slurm = None if options.slurm is None else parse_slurm(options.slurm)
    runs = sweep(config, options.methods, options.seeds, folder, options.jobs, say, slurm)
    if len(runs) > 1:
        question = Question(force=models_differ(runs))
        print_comparison(compare([run.folder for run in runs], folder, question, say))
        say(f"report: {folder / 'report.html'}")


def run_export(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale export`."""
    from catscale.run.commands.export import export
    from catscale.run.exporting.form import ExportFormat

    export(options.run, ExportFormat(options.format, options.quantization), options.out, say, options.check)
    print_result(options.out)


def run_watch(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale watch`."""
    from catscale.run.watch.server import serve
    from catscale.run.watch.view import Watched

    serve(Watched(options.folder), options.port, say)


def run_data(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale data`."""
    from catscale.cli import data_commands

    getattr(data_commands, f"run_{options.data_command}")(options, say)


def run_completion(options: argparse.Namespace, say: Say) -> None:
    """Run `catscale completion`."""
    from catscale.cli.completion import write_completion
    from catscale.cli.parser import build_parser

    for line in write_completion(build_parser(), options.shell).splitlines():
        print_cells([line])
