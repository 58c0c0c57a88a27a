"""`catscale demo`: the embedded corpus, three ways of balancing it, one table."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catscale.data.cldr import TED8_RELATED, generate_corpus, parse_languages
from catscale.data.prepare import prepare
from catscale.errors import CatscaleError, DivergedError
from catscale.files import write_text
from catscale.report.comparison import state_verdict
from catscale.report.page import write_page
from catscale.report.table import print_comparison
from catscale.run.config import RunConfig, dump_config, parse_config
from catscale.run.folder import read_scores

STEPS = 800
METHODS: dict[str, dict[str, Any]] = {
    "T=1": {"sampling": {"temperature": 1}},
    "T=5": {"sampling": {"temperature": 5}},
    "CATS": {"sampling": {"temperature": 5}, "balancing": {"method": "cats"}},
}
Say = Callable[[str], None]


def demo_config(folder: Path, method: str, steps: int) -> RunConfig:
    """The configuration of one of the demo's runs: the same model and budget for every method."""
    content = {
        "data": {
            "format": "opus100",
            "path": str(folder / "corpus"),
            "source": "en",
            "targets": "all",
            "store": str(folder / "prepared"),
        },
        "vocabulary": {"size": 2000},
        "model": {"preset": "tiny", "feed_forward": 256},
        "training": {
            "max_steps": steps,
            "batch_tokens": 512,
            "sub_batch_tokens": 128,
            "learning_rate": 4e-3,
            "warmup_steps": 200,
            "validate_every": max(1, steps // 6),
            "log_every": max(1, steps // 12),
            "threads": 1,
        },
        "evaluation": {"beam": 4},
    }
    return parse_config(content | METHODS[method], f"the demo's {method}")


def demo(folder: Path, languages: str | None, steps: int | None, jobs: int | None, say: Say) -> None:
    """Generate the corpus, train and evaluate every method, print the table and write `report.html`.

    Args:
        folder: Of everything that is written; a demo that was interrupted there goes on.
        languages: As `parse_languages` reads them; None for the eight of TED-8 related.
        steps: Updates of each run; None for the default.
        jobs: Runs at a time; None for one a CPU core.
        say: Receives plain lines.

    Raises:
        CatscaleError: On a user's mistake, or if a run fails.
    """
    started = time.monotonic()
    folder = folder.absolute()
    sizes = TED8_RELATED if languages is None else parse_languages(languages)
    say(f"generating the embedded corpus: English and {', '.join(sizes)}")
    generate_corpus(folder / "corpus", sizes)
    configs = {name: demo_config(folder, name, steps or STEPS) for name in METHODS}
    paths = {name: folder / f"{_slug(name)}.yaml" for name in METHODS}
    for name, config in configs.items():
        write_text(paths[name], dump_config(config))
    prepare(configs["T=1"].data, configs["T=1"].vocabulary, say)
    commands = {name: [_train(paths[name], folder / _slug(name)), _evaluate(folder / _slug(name))] for name in METHODS}
    run_in_parallel(commands, folder, jobs or os.cpu_count() or 1, say)
    scores = {name: read_scores(folder / _slug(name)) for name in METHODS}
    print_comparison(scores, "bleu")
    verdict = state_verdict(scores, "T=5", "CATS")
    print(verdict)
    environment = json.loads((folder / _slug("CATS") / "environment.json").read_text(encoding="utf-8"))
    details = json.dumps(environment, indent=2) + "\n\n" + paths["CATS"].read_text(encoding="utf-8")
    write_page(folder / "report.html", "catscale demo: phrases of the CLDR", verdict, scores, details)
    say(f"report: {folder / 'report.html'}  ({time.monotonic() - started:.0f} s)")


def _slug(name: str) -> str:
    return name.lower().replace("=", "")


def _train(config: Path, run: Path) -> list[str]:
    return [sys.executable, "-m", "catscale", "train", str(config), "--out", str(run)]


def _evaluate(run: Path) -> list[str]:
    return [sys.executable, "-m", "catscale", "evaluate", str(run)]


def run_in_parallel(commands: dict[str, list[list[str]]], folder: Path, jobs: int, say: Say) -> None:
    """Run each name's commands one after another, `jobs` names at a time, output in `folder/NAME.log`.

    Raises:
        CatscaleError: With the log's last lines, if a command fails; the others are stopped.
    """
    waiting, running = list(commands), dict[str, tuple[subprocess.Popen[bytes], Path]]()
    following = {name: list(steps) for name, steps in commands.items()}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                name = waiting.pop(0)
                log = folder / f"{_slug(name)}.log"
                running[name] = (_start(following[name].pop(0), log, "wb"), log)
                say(f"{name}: training, see {log}")
            time.sleep(0.2)
            for name, (process, log) in list(running.items()):
                if process.poll() is None:
                    continue
                _check(name, process.returncode, log)
                if following[name]:
                    say(f"{name}: evaluating")
                    running[name] = (_start(following[name].pop(0), log, "ab"), log)
                else:
                    say(f"{name}: done")
                    del running[name]
    finally:
        for process, _ in running.values():
            process.terminate()
        for process, _ in running.values():
            process.wait()


def _start(command: list[str], log: Path, mode: str) -> "subprocess.Popen[bytes]":
    with log.open(mode) as file:
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)


def _check(name: str, status: int, log: Path) -> None:
    if status == 0:
        return
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
    kind = DivergedError if status == DivergedError.exit_status else CatscaleError
    raise kind(f"{name} ended with status {status}; the last lines of {log}:\n{tail}")
