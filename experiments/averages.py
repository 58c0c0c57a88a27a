"""The best single model against the averages.

    python -m experiments.averages RUN… [--evaluate] [--split test] [--json FILE]

Each run was trained once with `training.average` and keeps the best model of each kind. Prints a table: NLL on dev,
by which the models were chosen, and NLL, BLEU and chrF of `catscale evaluate RUN --model KIND`; means over the runs,
and in parentheses the least and the greatest difference from the single model of the same run. With `--evaluate`
those that have no scores yet are scored first.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from catscale.errors import CatscaleError
from catscale.run.commands.evaluate import evaluate
from catscale.run.folder.readback import name_scores_file, read_environment, read_scores
from catscale.run.folder.run_folder import load_run
from catscale.system.console.messages import say
from catscale.system.processors import describe_processors
from catscale.system.writing.files import write_json
from catscale.training.averaging.config import AverageSettings
from catscale.training.averaging.places import KINDS, SINGLE, candidate_folder
from catscale.training.checkpointing.best_step import read_step
from catscale.training.records.metrics_file import read_metrics

COLUMNS = {"dev nll": ("dev NLL", 4), "nll": ("NLL", 4), "bleu": ("BLEU", 2), "chrf": ("chrF", 2)}
CHOSEN = "chosen on dev, per run"
Scores = Mapping[str, float]


def score_kind(run: Path, kind: str, split: str) -> dict[str, float]:
    """Return a kind's NLL on dev at the validation that chose it, and the averages of its scores on a split.

    Raises:
        CheckpointError: If it was not evaluated.
    """
    place = candidate_folder(run, kind)
    step = read_step(place / "best")
    records = read_metrics(run / "metrics.jsonl")
    record = next(r for r in records if r.get("kind") == "valid" and r["step"] == step)
    chosen = record if kind == SINGLE else record["average"][kind]
    averages = read_scores(place, split)["averages"]["all"]
    return {"dev nll": chosen["mean"], **{name: averages[name] for name in COLUMNS if name in averages}}


def list_kept(run: Path) -> list[str]:
    """List the kinds of models that a run keeps."""
    return [kind for kind in KINDS if candidate_folder(run, kind).is_dir()]


def make_table(found: Mapping[str, Sequence[Scores]], settings: AverageSettings) -> list[list[str]]:
    """Return the cells of a table, its head first.

    Args:
        found: Kind → the scores of each run, in the same order.
        settings: Those of the runs.
    """
    known = [name for name in COLUMNS if all(name in scores for of_kind in found.values() for scores in of_kind)]
    lines = [["model", *(COLUMNS[name][0] for name in known)]]
    for kind, of_kind in found.items():
        cells = []
        for name in known:
            values, digits = [scores[name] for scores in of_kind], COLUMNS[name][1]
            moved = [value - scores[name] for value, scores in zip(values, found[SINGLE], strict=True)]
            span = "" if kind == SINGLE else f" ({min(moved):+.{digits}f} … {max(moved):+.{digits}f})"
            cells.append(f"{sum(values) / len(values):.{digits}f}{span}".replace("-", "−"))
        lines.append([kind if kind == CHOSEN else settings.label(kind), *cells])
    return lines


def describe(runs: Sequence[Path], split: str) -> str:
    """Return what the figures depend on, in a sentence."""
    commits = sorted({str(read_environment(run).get("commit") or "not recorded")[:12] for run in runs})
    training = load_run(runs[0]).training
    return (
        f"{split}; {len(runs)} seeds; {training.max_steps} updates of {training.batch_tokens} target tokens, a "
        f"validation every {training.validate_every}; `python -m experiments.averages RUN… --evaluate --split {split}` "
        f"on the runs of this table; {describe_processors()}; commit {', '.join(commits)}."
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--split", default="test", choices=("dev", "test"))
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--json", type=Path, help="write the table there, for docs/make_results.py")
    options = parser.parse_args()
    try:
        settings = load_run(options.runs[0]).training.average
        kinds = [kind for kind in KINDS if all(kind in list_kept(run) for run in options.runs)]
        if settings is None or SINGLE not in kinds:
            print("the runs have no training.average, or keep nothing of it", file=sys.stderr)
            return 2
        for run in options.runs if options.evaluate else ():
            for kind in kinds:
                if not name_scores_file(candidate_folder(run, kind), options.split).is_file():
                    evaluate(run, options.split, None, say, model=kind)
        found = {kind: [score_kind(run, kind, options.split) for run in options.runs] for kind in kinds}
        found[CHOSEN] = [
            min(of_run, key=lambda scores: scores["dev nll"]) for of_run in zip(*found.values(), strict=True)
        ]
    except CatscaleError as error:
        print(f"averages: {error}", file=sys.stderr)
        return error.exit_status
    heads, *lines = make_table(found, settings)
    note = describe(options.runs, options.split)
    for cells in (heads, ["---"] + ["---:"] * (len(heads) - 1), *lines):
        print(f"| {' | '.join(cells)} |")
    print(f"\n{note}")
    if options.json is not None:
        write_json(options.json, {"heads": heads, "lines": lines, "note": note, "scores": found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
