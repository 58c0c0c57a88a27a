"""`catscale demo`: the embedded corpus, a sweep over ways of balancing it, and their comparison."""

import time
from collections.abc import Sequence
from pathlib import Path

from catscale.comparison.compare import Question
from catscale.data.embedded.corpus import TED8_RELATED, generate_corpus, parse_languages
from catscale.report.terminal_table import print_comparison, print_scores
from catscale.run.comparing import write_comparison
from catscale.run.config import RunConfig, parse_config
from catscale.run.folder.evaluated import find_runs, read_run
from catscale.run.folder.output import DEMO
from catscale.run.folder.readback import read_scores
from catscale.run.folder.run_lock import hold_lock
from catscale.run.sweep_plan import plan_sweep
from catscale.run.sweep_runs import carry_out
from catscale.system.console.messages import Say
from catscale.system.writing.markers import claimed

STEPS = 650
METHODS = ("T=1", "T=5", "cats_sampling")
TITLE = "catscale demo: phrases of the CLDR"
BASELINE = "T=1"
LEAD = (
    "The question: what do the poor languages gain, and the rich ones lose, when the poor ones are drawn more often "
    "than they have data? T=1 draws every language in proportion to its data, and is what the others are compared "
    "with. T=5 draws the poor ones more often; cats_sampling learns while it trains how often to draw each. The model, "
    "the number of updates and the target tokens are the same."
)
OTHERS = "The model, the number of updates and the target tokens are the same for all methods."
HINT = (
    "What this decides: against T=1 the poor languages gain more than ten BLEU with either (14 to 19 with every seed "
    "on record at 650 updates, results/comparison-demo*.json), and the rich ones lose less than that (0 to 8). What it "
    "does not decide: by how much exactly, and which of T=5 and cats_sampling is better; between those two another "
    "seed, or another processor, moves averages by 1 to 2 BLEU, and they are level at about a thousand updates and "
    "more (docs/results.md)."
)


def demo_config(folder: Path, steps: int) -> RunConfig:
    """Return the settings that all of the demo's runs share."""
    content = {
        "data": {
            "format": "opus100",
            "path": str(folder / "corpus"),
            "source": "en",
            "targets": "all",
            "store": str(folder / "prepared"),
        },
        "vocabulary": {"size": 2000},
        "sampling": {"temperature": 5},
        "model": {"preset": "tiny", "feed_forward": 256},
        "optimizer": {"learning_rate": 4e-3, "warmup_steps": 150},
        "training": {
            "max_steps": steps,
            "batch_tokens": 512,
            "sub_batch_tokens": 128,
            "validate_every": max(1, steps // 6),
            "log_every": max(1, steps // 12),
            "keep": 6,
            "threads": 1,
        },
        "evaluation": {"beam": 4},
    }
    return parse_config(content, "the demo's configuration")


def demo(
    folder: Path,
    languages: str | None,
    steps: int | None,
    methods: Sequence[str],
    seeds: Sequence[int],
    jobs: int | None,
    say: Say,
) -> None:
    """Generate the corpus, train, evaluate and compare every method, print the table and write `report.html`.

    Of one run alone the scores are printed.

    Args:
        folder: The folder of everything that is written; a demo that was interrupted there goes on.
        languages: The languages, as `parse_languages` reads them; None for the eight of TED-8 related.
        steps: Updates of each run; None for the default.
        methods: The methods, as in a sweep.
        seeds: A run of each method a seed.
        jobs: Runs at a time, one thread each; None for as many as there are methods.
        say: Receives plain lines.

    Raises:
        CatscaleError: On a user's mistake, if another demo works in the folder, or if a run fails.
    """
    started = time.monotonic()
    folder = folder.absolute()
    sizes = TED8_RELATED if languages is None else parse_languages(languages)
    config = demo_config(folder, steps or STEPS)
    runs = plan_sweep(config, methods, seeds, folder)  # finds a user's mistake before anything is written
    with claimed(folder, DEMO), hold_lock(folder, "demo"):
        say(f"generating the embedded corpus: English and {', '.join(sizes)}")
        generate_corpus(folder / "corpus", sizes)
        carry_out(runs, folder, jobs or len(methods), say)
        if len(runs) == 1:  # there is nothing to compare it with
            print_scores(read_scores(runs[0].folder), "test")
            return
        is_standard = tuple(methods) == METHODS and languages is None and config.training.max_steps == STEPS
        hint = HINT if is_standard else ""
        evaluated = [read_run(found, "test") for found in find_runs([run.folder for run in runs])]
        question = Question(baseline=BASELINE if BASELINE in methods and len(methods) > 1 else None)
        lead = f"{LEAD if tuple(methods) == METHODS else OTHERS} {hint}".strip()
        print_comparison(write_comparison(evaluated, folder, question, say, TITLE, lead))
    if hint:
        say(hint)
    say(f"report: {folder / 'report.html'}  ({time.monotonic() - started:.0f} s)")
