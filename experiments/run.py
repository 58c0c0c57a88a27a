"""Train, score and sum up a table of experiments: `python -m experiments.run CORPUS TABLE [--jobs 2]`.

Runs that are done are not repeated, those that were interrupted go on. The numbers go to
`results/experiments/CORPUS-TABLE.json`, from which `python docs/make_results.py` writes `docs/results.md`. A table on
dev alone may be trained in parts, on several days or machines: runs on record that are not here are kept. One that is
compared on test is written when the runs on record are here too.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from catscale.comparison.compare import Question
from catscale.comparison.result import Comparison
from catscale.errors import CatscaleError, ConfigError
from catscale.run.commands.compare import compare
from catscale.run.folder.run_folder import open_folder
from catscale.run.jobs import run_jobs
from catscale.run.sweep_plan import PlannedRun, models_differ
from catscale.run.sweep_runs import plan_job
from experiments.record import write_record
from experiments.regime_tables import make_tables
from experiments.summary import summarise
from experiments.tables import Table, find_corpus, load_table, split_name

RESULTS = Path(__file__).parent.parent / "results" / "experiments"
SECONDS = {"s": 1, "m": 60, "h": 3600}


def say(line: str) -> None:
    print(line, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one table.

    Raises:
        CatscaleError: On a user's mistake, and where runs failed, after the others are done.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="name of a file beside this one, without .yaml, or a path")
    parser.add_argument("table", nargs="?", help="name of one of its tables; CORPUS-TABLE may be one word")
    parser.add_argument("--out", type=Path, default=Path("runs/experiments"), help="folder of the runs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the numbers")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, one thread each")
    parser.add_argument("--rows", nargs="+", help="train and score these alone")
    parser.add_argument("--seeds", nargs="+", type=int, help="and of those rows these seeds alone")
    parser.add_argument("--for", dest="seconds", type=read_time, help="end after this time, as 90s, 14m or 2h")
    given = parser.parse_args(arguments)
    until = None if given.seconds is None else time.monotonic() + given.seconds
    corpus, name = (given.corpus, given.table) if given.table else split_name(given.corpus)
    table = load_table(find_corpus(corpus), name, given.out)
    table.prepare(say)
    chosen = choose_runs(table, given.rows, given.seeds)
    for row in chosen:
        if row.folder.exists():
            open_folder(row.folder, row.config)  # refuses a run of another configuration
    todo = [plan_job(row, threads=1) for row in chosen if not row.is_done]
    say(f"{table.question} {len(chosen)} runs, {len(todo)} to do")
    failed = run_jobs(todo, given.jobs, say, keep_going=True, until=until)
    if until is not None:
        tell_progress(chosen)
    write_results(table, given.out, given.results)
    if failed:
        raise CatscaleError("\n".join(str(error) for error in failed))


def choose_runs(table: Table, rows: Sequence[str] | None, seeds: Sequence[int] | None) -> list[PlannedRun]:
    """The runs of some rows and seeds of a table; None for all.

    Raises:
        ConfigError: If the table has no such row or seed.
    """
    if unknown := sorted(set(rows or ()) - {row.method for row in table.rows}):
        raise ConfigError(f"the table has no rows {', '.join(unknown)}")
    known = sorted({row.seed for row in table.rows})
    if others := sorted(set(seeds or ()) - set(known)):
        raise ConfigError(
            f"the table has no seeds {', '.join(map(str, others))}; there are {', '.join(map(str, known))}"
        )
    return [row for row in table.rows if (rows is None or row.method in rows) and (seeds is None or row.seed in seeds)]


def read_time(text: str) -> float:
    """Return the seconds of a time as `90s`, `14m` or `2h`.

    Raises:
        argparse.ArgumentTypeError: If it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if found is None or not float(found[1]):
        raise argparse.ArgumentTypeError(f"a time is a number with s, m or h, found {text!r}; write 14m, for example")
    return float(found[1]) * SECONDS[found[2]]


def tell_progress(runs: Sequence[PlannedRun]) -> None:
    """Say what of the runs is done, and how far the others are."""
    for run in runs:
        steps = run.steps
        whole = run.config.training.max_steps
        state = "done" if run.is_done else "trained, not scored" if steps >= whole else f"step {steps:,} of {whole:,}"
        say(f"{run.name}: {state if steps else 'not begun'}")
    left = sum(not run.is_done for run in runs)
    say(f"{len(runs) - left} of {len(runs)} runs are done" + ("; the same command goes on" if left else ""))


def write_results(table: Table, out: Path, results: Path) -> None:
    """Compare the rows that are done, where they are scored on test, and write the table's numbers.

    Rows that lack a seed are summed up, and not compared.
    """
    path = results / f"{table.corpus}-{table.name}.json"
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    recorded = record.get("rows", {})
    done = table.done
    missing = [row for row in table.rows if row not in done]
    kept = [(row.method, run) for row in missing for run in recorded.get(row.method, []) if run["seed"] == row.seed]
    names = ", ".join(f"{method} seed {run['seed']}" for method, run in kept)
    if not done or (kept and table.compares):
        say(f"{path} is not written" + (f", which holds runs that are not done under {out}: {names}" if names else ""))
        return
    comparison = compare_rows(table, out) if table.compares else None
    results.mkdir(parents=True, exist_ok=True)
    content = summarise(table, comparison)
    if kept:
        content["machine"] = "; ".join(dict.fromkeys([*record["machine"].split("; "), content["machine"]]))
    for method, run in kept:
        content["rows"][method] = sorted([*content["rows"][method], run], key=lambda one: one["seed"])
    content["tables"] = make_tables(content["rows"], content["groups"])
    write_record(path, content)
    say(f"{path}: {len(done)} of {len(table.rows)} runs" + (f", as recorded: {names}" if names else ""))


def compare_rows(table: Table, out: Path) -> Comparison | None:
    """Compare the rows whose seeds are all done; None where these are too few, or lack the named baseline."""
    seeds, done = {row.seed for row in table.rows}, table.done
    whole = [row for row in done if {other.seed for other in done if other.method == row.method} == seeds]
    if len({row.folder for row in whole}) < 2:
        return None
    if table.baseline not in {None, *(row.method for row in whole)}:
        say(f"no row is compared yet: the baseline {table.baseline!r} is not done with every seed")
        return None
    question = Question(force=models_differ(table.rows), metric=table.metric, baseline=table.baseline)
    given = None if table.baseline is None else {row.folder.resolve(): row.method for row in whole}
    folder = out / table.corpus / f"compare-{table.name}"
    return compare([row.folder for row in whole], folder, question, say, given)


if __name__ == "__main__":
    try:
        main()
    except CatscaleError as error:
        print(f"experiments: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
