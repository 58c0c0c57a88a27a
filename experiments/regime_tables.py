"""Tables of what a long training shows, for `docs/make_results.py`: `<!-- table CORPUS-TABLE/answer -->` and the like.

answer       what was looked at along training: curvature, alignment, signal, and the gap between train and dev NLL
prediction   rank correlations of curvature with the gap
turning      where the dev NLL of each direction is lowest, and how often its training pairs had been gone through
weights      the weights of a balancing method, or the probabilities of a sampler, along training
crossing     dev NLL of the low-resource directions of two rows along training, and where the first one passes
"""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from experiments.prediction import LEVELS, MEASURES, OUTCOMES, find_gap, predict_gaps

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Summaries of runs by row."""
PageTable = dict[str, Any]
"""heads, lines and a note: of text."""
WORDS = {
    "lambda_max": "λ_max", "fisher_trace": "tr F", "squared_norm": "‖g‖²", "squared_signal": "‖g‖² without noise",
    "gap": "at that step", "last gap": "at the end",
    "all": "over everything", "direction": "within a direction", "cell": "within a direction and step",
}  # fmt: skip
KINDS = {"": "dev_nll_by_task", ", EMA": "dev_nll_ema_by_task"}
POINTS = 10
"""The fewest updates of the table of a crossing."""


def make_tables(rows: Rows, groups: Mapping[str, str]) -> dict[str, PageTable]:
    """Make the tables that the runs have records for.

    Args:
        rows: Summaries of runs by row.
        groups: "low", "mid" or "high" by direction.
    """
    firsts = {name: runs[0] for name, runs in rows.items() if runs}
    looked = {name: run for name, run in firsts.items() if "signal_to_noise" in (run.get("analysis") or [{}])[0]}
    made = {}
    if looked:
        made["answer"] = tell_answer(looked, list(groups))
        made["prediction"] = tell_prediction(predict_gaps(rows))
    if firsts and all(run.get("epochs") for run in firsts.values()):
        made["turning"] = tell_turning(firsts, list(groups))
    paths = {name: next((run for run in runs if find_path(run)), None) for name, runs in rows.items()}
    moved = {name: run for name, run in paths.items() if run is not None}
    if moved:
        made["weights"] = tell_weights(moved, list(groups))
    low = [task for task, group in groups.items() if group == "low"]
    if len(firsts) == 2 and low:
        made["crossing"] = tell_crossing(firsts, low)
    return made


def tell_answer(runs: Mapping[str, Mapping[str, Any]], tasks: Sequence[str]) -> PageTable:
    """What was looked at along training, by row and step."""
    heads = ["", "step", "λ_max of Σ αₙ Lₙ", "αᵀGα", "mean cosine"]
    heads += [f"{what} {task}" for what in ("λ_max", "signal / noise", "dev − train NLL") for task in tasks]
    lines = []
    for name, run in runs.items():
        places = {step: place for place, (step, _) in enumerate(run["dev_nll"])}
        for record in run["analysis"]:
            cells = [name if record is run["analysis"][0] else "", str(record["step"])]
            cells += [write(record["lambda_max"].get("total"), ".1f"), write(record["squared_gradient"], ".3g")]
            cells += [write(record["cosine"], ".2f")]
            cells += [write(record["lambda_max"].get(task), ".1f") for task in tasks]
            cells += [write(record["signal_to_noise"].get(task), ".2f") for task in tasks]
            cells += [write(find_gap(run, task, places.get(record["step"])), "+.2f") for task in tasks]
            lines.append(cells)
    note = "Train NLL with dropout, of the record nearest to the step; signal / noise on `analysis.gradient_tokens`."
    return {"heads": heads, "lines": lines, "note": note}


def tell_prediction(found: Mapping[str, Any]) -> PageTable:
    """Rank correlations with their intervals, by measure and gap."""
    lines = []
    for measure in MEASURES:
        for outcome in OUTCOMES:
            entries = found.get(measure, {}).get(outcome, {})
            if entries:
                lines.append(
                    [WORDS[measure], WORDS[outcome], *(_say_correlation(entries.get(level)) for level in LEVELS)]
                )
    note = (
        "Spearman's ρ with dev less train NLL, and the 95% interval over runs that are drawn whole, which is rough "
        "where they are few. Within a direction and step, runs differ in the method alone."
    )
    return {"heads": ["", "gap", *(WORDS[level] for level in LEVELS)], "lines": lines, "note": note}


def _say_correlation(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "–"
    ends = entry["interval"]
    return write(entry["correlation"], "+.2f") + (
        f" ({write(ends[0], '+.2f')} to {write(ends[1], '+.2f')})" if ends else ""
    )


def tell_crossing(runs: Mapping[str, Mapping[str, Any]], low: Sequence[str]) -> PageTable:
    """Dev NLL of two rows along training, of the model and of its average where both have one."""
    (one, first), (two, second) = runs.items()
    sizes = [(run, len(run["dev_nll"])) for run in (first, second)]
    kept = {mark: key for mark, key in KINDS.items() if all(len(r.get(key, {}).get(low[0], [])) == n for r, n in sizes)}
    steps = [step for (step, _), _ in zip(first["dev_nll"], second["dev_nll"], strict=False)]
    pairs = [(first[key], second[key]) for key in kept.values()]
    heads = ["update", *(f"{name}{mark}, low" for mark in kept for name in (one, two))]
    heads += [f"{task}, {one} less {two}{mark}" for mark in kept for task in low]
    lines = []
    for place in sorted(range(len(steps) - 1, -1, -max(1, len(steps) // POINTS))):
        means = [mean(table[task][place] for task in low) for pair in pairs for table in pair]
        ends = [mine[task][place] - other[task][place] for mine, other in pairs for task in low]
        lines.append([f"{steps[place]:,}", *(write(m, ".3f") for m in means), *(write(end, "+.3f") for end in ends)])
    said = []
    for mark, (mine, other) in zip(kept, pairs, strict=True):
        for over, tasks in {"low": low, **{task: [task] for task in low}}.items():
            ahead = [mean(mine[task][place] - other[task][place] for task in tasks) < 0 for place in range(len(steps))]
            said.append(f"{over}{mark} {say_crossing(steps, ahead)}")
    note = f"{one} is ahead of {two} for good, by dev NLL: {'; '.join(said)}. The first seed."
    return {"heads": heads, "lines": lines, "note": note}


def tell_turning(runs: Mapping[str, Mapping[str, Any]], tasks: Sequence[str]) -> PageTable:
    """Where the dev NLL of each direction is lowest along training, and how far above that it ends."""
    heads = ["", *(f"{task}: {what}" for task in tasks for what in ("update", "epochs", "NLL", "at the end"))]
    lines = []
    for name, run in runs.items():
        steps, cells = [step for step, _ in run["dev_nll"]], [name]
        for task in tasks:
            values, epochs = run["dev_nll_by_task"][task], run["epochs"][task]
            least = values.index(min(values))
            ends = write(values[-1] - values[least], "+.2f") if least + 1 < len(values) else "lowest there"
            cells += [f"{steps[least]:,}", f"{epochs[least]:.0f}", write(values[least], ".3f"), ends]
        lines.append(cells)
    note = "The validation with the lowest dev NLL of each direction, epochs of its pairs by then. The first seed."
    return {"heads": heads, "lines": lines, "note": note}


def find_path(run: Mapping[str, Any]) -> list[tuple[int, dict[str, float | None]]]:
    """What a method did along training: weights, else probabilities, by step; empty for what stays as it is."""
    path: list[tuple[int, dict[str, float | None]]] = run.get("weights_along") or run.get("probabilities_along") or []
    return path if path and None not in path[0][1].values() else []


def tell_weights(runs: Mapping[str, Mapping[str, Any]], tasks: Sequence[str]) -> PageTable:
    """Shares of the languages in the weights, or in what was drawn, along training."""
    heads = ["", "step", *tasks]
    lines = []
    for name, run in runs.items():
        path = find_path(run)
        for place, (step, values) in enumerate(path):
            whole = sum(value for value in values.values() if value is not None)
            shares = [values[task] for task in tasks]
            cells = [write(None if share is None else share / whole, ".2f") for share in shares]
            lines.append([name if place == 0 else "", f"{step:,}", *cells])
    note = "Weights, or probabilities of being drawn, for the steps that follow, as shares of their sum; one seed."
    return {"heads": heads, "lines": lines, "note": note}


def say_crossing(steps: Sequence[int], ahead: Sequence[bool]) -> str:
    """Say from when on one row stays ahead."""
    last = max((place for place, is_ahead in enumerate(ahead) if not is_ahead), default=-1)
    if last + 1 == len(steps):
        return f"not within {steps[-1]:,} updates"
    return "from the first validation on" if last < 0 else f"from update {steps[last + 1]:,} on"


def write(value: float | None, form: str) -> str:
    """A number for a page; a dash for none."""
    return "–" if value is None else f"{value:{form}}".replace("-", "−")
