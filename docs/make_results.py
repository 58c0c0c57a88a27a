"""Writes the tables of some pages from `results/experiments/*.json`, and from `results/*.json` of benchmarks.

python docs/make_results.py [--check]

The pages' words are their own; what stands between `<!-- table NAME -->` and `<!-- end -->` is written here.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from catscale.evaluation.metrics.table import METRICS

NAMES = ("results", "forgetting", "pretrained", "run", "speed", "outside", "architectures/README")
PAGES = [Path(__file__).parent / f"{name}.md" for name in NAMES]
RESULTS = Path(__file__).parent.parent / "results" / "experiments"
GROUPS = ("all", "low", "mid", "high")
DIGITS = {name: metric.digits for name, metric in METRICS.items()}
LABELS = {name: metric.label for name, metric in METRICS.items()}
LEVELS = (4, 3, 2, 1.5, 1, 0.8, 0.7)
PARTS = ("answer", "prediction", "turning", "crossing", "weights")
"""Tables that a result has where its runs have records for them, see `experiments.regime_tables`."""
SIGNALS = {"signal_to_noise": "signal / noise of G", "cosine": "mean cosine of G"}
"""Columns of what a method measured, where a row has them: means over tasks, steps that measured and seeds."""
SLOT = re.compile(r"(<!-- table (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def make_page(text: str) -> str:
    """The page with every table written anew."""
    return SLOT.sub(lambda match: match[1] + make_table(match[2]) + match[3], text)


def make_table(name: str) -> str:
    """The Markdown of one result: `CORPUS-TABLE`, or `CORPUS-TABLE/PART`."""
    name, _, part = name.partition("/")
    path = next((path for path in (RESULTS / f"{name}.json", RESULTS.parent / f"{name}.json") if path.is_file()), None)
    if path is None:
        return "Not measured yet.\n"
    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, list):
        return _noise_table(content)
    made = content.get("tables", {}).get(part, content)
    if "lines" in made:
        return _markdown(made["heads"], made["lines"]) + f"\n{made['note']}\n"
    split = "test" if "comparison" in content else "dev"
    makers: dict[str, Callable[[Mapping[str, Any], str], str]] = {
        "": _groups, "languages": _languages, "landscape": _landscape, "terms": _terms, "gaps": _gaps,
        "efficiency": _efficiency, "forgetting": _forgetting,
        **{metric: partial(_metric, metric=metric) for metric in DIGITS},
    }  # fmt: skip
    return "Not measured yet.\n" if part in PARTS else makers[part](content, split)


def _groups(content: Mapping[str, Any], split: str) -> str:
    """Averages of every row, with their difference to the baseline."""
    rows = {name: runs for name, runs in content["rows"].items() if runs}
    scored = next(iter(rows.values()))[0]["scores"][split]
    groups = [group for group in GROUPS if group in scored]
    comparison = content.get("comparison")
    heads = ["", "seeds", *(f"BLEU {group}" for group in groups), "chrF all", "NLL all"]
    metric = comparison.get("metric", "bleu") if comparison else ""
    heads += [f"Δ {LABELS[metric]} {group}" for group in groups] if comparison else []
    signals = {key: head for key, head in SIGNALS.items() if any(key in run for runs in rows.values() for run in runs)}
    heads += signals.values()
    lines = []
    for name, runs in rows.items():
        cells = [name, str(len(runs))]
        cells += [_spread(runs, split, group, "bleu") for group in groups]
        cells += [_spread(runs, split, "all", metric) for metric in ("chrf", "nll")]
        if comparison:
            cells += [_difference(comparison, name, group, metric) for group in groups]
        lines.append([*cells, *(_signal(runs, key) for key in signals)])
    commits = sorted({str(run["commit"] or "not recorded")[:12] for runs in rows.values() for run in runs})
    budget = content["budget"]
    notes = [
        f"{split}; {budget['max_steps']} updates of {budget['batch_tokens']} target tokens; mean ± standard deviation "
        f"over seeds; `{content['command']}`; {content['machine']}; commit {', '.join(commits)}."
    ]
    if comparison:
        notes.append(
            f"Δ to {comparison['baseline']} ({comparison['reason']}); * significant: two-sided, over sentences "
            f"({comparison['resamples']} resamples) and the seeds of the two rows that are compared, Holm over "
            f"{comparison['corrected_for']} comparisons."
        )
    return _markdown(heads, lines) + "\n" + " ".join(notes) + "\n"


def _signal(runs: Sequence[Mapping[str, Any]], key: str) -> str:
    """Mean of a signal over the runs, and over the tasks of those that are by task; a dash where none has it."""
    found = [run[key] for run in runs if key in run]
    values = [mean(value.values()) if isinstance(value, Mapping) else value for value in found]
    return f"{mean(values):.2f}".replace("-", "−") if values else "–"


def _metric(content: Mapping[str, Any], split: str, *, metric: str) -> str:
    """One metric of every row, by resource group and by direction, mean and deviation over seeds."""
    rows = {name: runs for name, runs in content["rows"].items() if runs}
    sizes = sorted(content["train_pairs"], key=content["train_pairs"].__getitem__)
    scored = next(iter(rows.values()))[0]["scores"][split]
    over = [*(group for group in GROUPS if group in scored), *sizes]
    heads = [LABELS[metric], *over]
    return _markdown(
        heads, [[name, *(_spread(runs, split, one, metric) for one in over)] for name, runs in rows.items()]
    )


def _languages(content: Mapping[str, Any], split: str) -> str:
    """BLEU of every direction."""
    sizes = dict(sorted(content["train_pairs"].items(), key=lambda item: item[1]))
    heads = ["", *(f"{task}, {size:,}" for task, size in sizes.items())]
    rows = {name: runs for name, runs in content["rows"].items() if runs}
    lines = [
        [name, *(f"{mean(run['scores'][split][task]['bleu'] for run in runs):.1f}" for task in sizes)]
        for name, runs in rows.items()
    ]
    return _markdown(heads, lines)


def _gaps(content: Mapping[str, Any], split: str) -> str:
    """NLL on train (dropout on) and dev when training ended, and dev less train, by resource group."""
    members = {group: [task for task, its in content["groups"].items() if its == group] for group in GROUPS[1:]}
    members = {group: tasks for group, tasks in members.items() if tasks}
    heads = ["", *(f"{what} {group}" for group in members for what in ("train", "dev", "gap"))]
    lines = []
    for name, runs in ((name, runs) for name, runs in content["rows"].items() if runs):
        cells = [name]
        for tasks in members.values():
            ends = [(run["last_train_nll"], run["last_dev_nll"]) for run in runs]
            # the last record of training holds no task that no step since the one before it was given
            pairs = [(train[task], dev[task]) for train, dev in ends for task in tasks if task in train]
            if not pairs:  # none of the group was drawn then
                cells += ["–", f"{mean(dev[task] for _, dev in ends for task in tasks):.2f}", "–"]
                continue
            train, dev = (mean(values) for values in zip(*pairs, strict=True))
            cells += [f"{train:.2f}", f"{dev:.2f}", f"{dev - train:+.2f}".replace("-", "−")]
        lines.append(cells)
    return _markdown(heads, lines)


def _forgetting(content: Mapping[str, Any], split: str) -> str:
    """Averages over old and over new directions, before training and after it."""
    found = content["comparison"]["forgetting"]
    columns = [(over, metric) for over in ("old", "new") for metric in ("nll", "chrf", "bleu")]
    heads = ["", *(f"{LABELS[metric]} {over}" for over, metric in columns)]
    places = {name: place for place, name in enumerate(content["rows"])}  # none has the model before training
    lines = []
    for name, row in sorted(found["rows"].items(), key=lambda item: places.get(item[0], -1)):
        cells = [name]
        for over, metric in columns:
            entry, digits = row.get(over, {}).get(metric), DIGITS[metric]
            cells.append("–" if entry is None else f"{entry['mean']:.{digits}f}" + _moved(entry, digits))
        lines.append(cells)
    old, new = (", ".join(found[over]) for over in ("old", "new"))
    note = (
        f"Means over the directions old ({old}) and new ({new}), and over seeds; in parentheses the difference to the "
        "model before training; * significant over sentences (paired bootstrap, Holm over "
        f"{found['corrected_for']} comparisons of a metric)."
    )
    return _markdown(heads, lines) + f"\n{note}\n"


def _moved(entry: Mapping[str, Any], digits: int) -> str:
    if "difference" not in entry:
        return ""
    return f" ({entry['difference']:+.{digits}f}{'*' * entry['significant']})".replace("-", "−")


def _efficiency(content: Mapping[str, Any], split: str) -> str:
    """Updates until the mean dev NLL reaches some values, by lines between validations; mean over seeds."""
    rows = {name: runs for name, runs in content["rows"].items() if runs}
    ends = sorted(mean(run["dev_nll"][-1][1] for run in runs) for runs in rows.values())
    levels = [level for level in LEVELS if ends[0] < level]
    lines = []
    for name, runs in rows.items():
        reached = [[_reach(run["dev_nll"], level) for run in runs] for level in levels]
        lines.append([name, *(_mean_step(steps) for steps in reached)])
    return _markdown(["", *(f"NLL {level:g}" for level in levels)], lines)


def _mean_step(steps: Sequence[float | None]) -> str:
    known = [step for step in steps if step is not None]
    return f"{mean(known):,.0f}" if len(known) == len(steps) else "–"


def _reach(curve: Sequence[tuple[int, float]], level: float) -> float | None:
    """The step at which a curve first comes down to a level, the first one at the earliest; None where it does not."""
    if curve[0][1] <= level:
        return curve[0][0]
    for (left, high), (right, low) in pairwise(curve):
        if low <= level < high:
            return left + (right - left) * (high - level) / (high - low)
    return None


def _terms(content: Mapping[str, Any], split: str) -> str:
    """What moves α of Algorithm 1, of the first seed of every row that runs it."""
    heads = ["", "step", "Σα", "of the step's", "largest α / Σα", "smallest", "λ_c", "λ_s"]
    heads += ["loss term", "curvature term", "simplex term"]
    lines = []
    for name, runs in content["rows"].items():
        terms = runs[0].get("terms", []) if runs else []
        for record in [*terms[:-1:2], *terms[-1:]]:
            cells = [name if record is terms[0] else "", str(record["step"])]
            cells += [f"{record[key]:.2f}" for key in ("sum", "sum_present", "largest", "smallest")]
            cells += [f"{record[key]:.1f}" for key in ("lambda_c", "lambda_s")]
            cells += ["–" if record[key] is None else f"{record[key]:.2f}" for key in ("loss", "curvature", "simplex")]
            lines.append(cells)
    return _markdown(heads, lines)


def _landscape(content: Mapping[str, Any], split: str) -> str:
    """Top eigenvalues and cosines along training, of the first seed."""
    records = {name: runs[0]["analysis"] for name, runs in content["rows"].items() if runs}
    tasks = list(next(iter(records.values()))[0]["lambda_max"])
    pairs = list(next(iter(records.values()))[0]["similarity"]["direction"])
    heads = ["", "step", *(f"λ_max {task}" for task in tasks), *(f"cos {pair}" for pair in pairs)]
    lines = []
    for name, found in records.items():
        for record in found:
            cells = [name if record is found[0] else "", str(record["step"])]
            cells += [f"{record['lambda_max'][task]:.1f}" for task in tasks]
            lines.append([*cells, *(f"{record['similarity']['direction'][pair]:.2f}" for pair in pairs)])
    return _markdown(heads, lines)


def _noise_table(records: Sequence[Mapping[str, Any]]) -> str:
    """Signal, noise and the weights of the least curvature, by run and step."""
    heads = ["model", "task", "‖h‖² train", "noise train", "‖h‖² dev", "cos(train, dev)"]
    heads += ["α* one sub-batch", "α* eight", "α* all data", "α* dev"]
    lines = []
    for record in records:
        train, dev = record["train"], record["dev"]
        for i, task in enumerate(record["tasks"]):
            cells = [f"{record['run']}, step {record['step']}" if i == 0 else "", task]
            cells += [f"{train['squared_norm'][i]:.3f}", f"{train['noise'][i]:.2f}", f"{dev['squared_norm'][i]:.3f}"]
            cosine = record["train_dev_cosine"][i]
            cells += ["–" if cosine is None else f"{cosine:.2f}"]
            cells += [f"{train['least'][r][i]:.2f}" for r in ("1", "8", "inf")] + [f"{dev['least']['1'][i]:.2f}"]
            lines.append(cells)
    return _markdown(heads, lines)


def _spread(runs: Sequence[Mapping[str, Any]], split: str, over: str, metric: str) -> str:
    values = [run["scores"][split][over][metric] for run in runs]
    digits = DIGITS[metric]
    deviation = f" ±{stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{deviation}"


def _difference(comparison: Mapping[str, Any], name: str, over: str, metric: str) -> str:
    found = comparison["differences"].get(name, {}).get(over, {}).get(metric)
    shown = "–" if found is None else f"{found['mean']:+.{DIGITS[metric]}f}{'*' * found['significant']}"
    return shown.replace("-", "−")


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [heads, ["---"] + ["---:"] * (len(heads) - 1), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main() -> int:
    """Write the pages, or with --check say whether they are up to date."""
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    made = {page: make_page(text) for page, text in texts.items()}
    if "--check" in sys.argv:
        return int(made != texts)
    for page, text in made.items():
        page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
