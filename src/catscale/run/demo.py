"""`catscale demo`: the embedded corpus, three ways of balancing it, one table."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from catscale.comparison.compare import Question
from catscale.data.cldr import TED8_RELATED, generate_corpus, parse_languages
from catscale.data.prepare import prepare
from catscale.files import write_text
from catscale.report.page import write_page
from catscale.report.table import print_comparison
from catscale.run.compare import compare
from catscale.run.config import RunConfig, dump_config, parse_config
from catscale.run.folder import read_environment, read_scores
from catscale.run.parallel import Job, run_jobs

STEPS = 650
METHODS: dict[str, dict[str, Any]] = {
    "T=1": {"sampling": {"temperature": 1}},
    "T=5": {"sampling": {"temperature": 5}},
    "CATS": {"sampling": {"temperature": 5}, "balancing": {"method": "cats"}},
}
LEAD = (
    "T=1 samples the languages in proportion to their data, T=5 upsamples the small ones, CATS learns a weight for "
    "each language's gradient on top of T=5. The model, the number of updates and the target tokens are the same."
)
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
            "warmup_steps": 150,
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
        jobs: Runs at a time, one thread each; None for all.
        say: Receives plain lines.

    Raises:
        CatscaleError: On a user's mistake, or if a run fails.
    """
    started = time.monotonic()
    folder = folder.absolute()
    sizes = TED8_RELATED if languages is None else parse_languages(languages)
    say(f"generating the embedded corpus: English and {', '.join(sizes)}")
    generate_corpus(folder / "corpus", sizes)
    tasks = [plan_job(folder, name, steps or STEPS) for name in METHODS]
    first = demo_config(folder, next(iter(METHODS)), steps or STEPS)
    prepare(first.data, first.vocabulary, say)
    say(f"training {', '.join(METHODS)}, {first.training.max_steps} steps each; logs: {folder}/*.log")
    run_jobs(tasks, jobs or len(tasks), say)
    show_result({task.name: task.run for task in tasks}, folder)
    say(f"report: {folder / 'report.html'}  ({time.monotonic() - started:.0f} s)")


def plan_job(folder: Path, name: str, steps: int) -> Job:
    """Write a method's configuration; the commands that train and evaluate it."""
    slug = name.lower().replace("=", "")
    path, run = folder / f"{slug}.yaml", folder / slug
    write_text(path, dump_config(demo_config(folder, name, steps)))
    start = [sys.executable, "-m", "catscale"]
    train, evaluate = [*start, "train", str(path), "--out", str(run)], [*start, "evaluate", str(run)]
    return Job(name, [train, evaluate], folder / f"{slug}.log", run, steps)


def show_result(runs: Mapping[str, Path], folder: Path) -> None:
    """Compare the evaluated runs, print the table and write the page."""
    comparison = compare(list(runs.values()), folder, Question())
    print_comparison(comparison)
    scores = {name: read_scores(run) for name, run in runs.items()}
    environment = read_environment(runs["CATS"])
    details = json.dumps(environment, indent=2) + "\n\n" + (runs["CATS"] / "config.yaml").read_text(encoding="utf-8")
    title = "catscale demo: phrases of the CLDR"
    write_page(folder / "report.html", title, comparison.verdict, LEAD, scores, details)
