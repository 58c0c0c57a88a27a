"""What a table's runs say, as one small JSON file under `results/`."""

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

from catscale.comparison.result import Comparison, Forgetting
from catscale.evaluation.metrics.table import METRICS, read_score
from catscale.report.series import thin
from catscale.run.folder.best import find_step_of_best
from catscale.run.folder.readback import read_environment, read_scores
from catscale.run.sweep_plan import PlannedRun
from catscale.system.processors import describe_processors
from catscale.training.records.metrics_file import read_metrics
from experiments.tables import Table

ALONG = 11
"""Points of a path of weights or probabilities that are kept, the first and the last among them."""


def summarise(table: Table, comparison: Comparison | None) -> dict[str, Any]:
    """Everything of a table that is worth keeping; rows whose runs are not all done hold those that are."""
    first = table.rows[0]
    done = table.done
    names = list(dict.fromkeys(row.method for row in table.rows))
    made = read_scores(done[0].folder, first.splits[0])["evaluation"] if done else {}
    content = {
        "corpus": table.corpus,
        "table": table.name,
        "question": table.question,
        "command": f"python -m experiments.run {table.corpus} {table.name}",
        "machine": describe_processors(),
        "budget": {
            key: getattr(first.config.training, key) for key in ("max_steps", "batch_tokens", "sub_batch_tokens")
        },
        "train_pairs": made.get("train_pairs", {}),
        "groups": made.get("resource_groups", {}),
        "rows": {name: [summarise_run(row) for row in done if row.method == name] for name in names},
    }
    return content | ({} if comparison is None else {"comparison": summarise_comparison(table, comparison)})


def summarise_run(row: PlannedRun) -> dict[str, Any]:
    """One run: scores, the gap between train and dev at the end, how the mixture and the weights ended, the cost."""
    records = read_metrics(row.folder / "metrics.jsonl")
    train, valid = ([record for record in records if record["kind"] == kind] for kind in ("train", "valid"))
    environment = read_environment(row.folder)
    summary = {
        "seed": row.seed,
        "commit": environment.get("commit"),
        "seconds": round(records[-1]["time"]),
        "target_tokens": train[-1]["tokens"],
        "best_step": find_step_of_best(row.folder, row.config.training.select_by),
        "dev_nll": [[record["step"], round(record["mean"], 4)] for record in valid],
        "dev_nll_by_task": _by_task([record["nll"] for record in valid]),
        "epochs": _by_task([record["epochs"] for record in valid if "epochs" in record]),
        "train_nll_by_task": _by_task([_nearest(train, record["step"])["nll"] for record in valid]),
        "last_train_nll": {task: round(value, 3) for task, value in train[-1]["nll"].items()},
        "last_dev_nll": {task: round(value, 3) for task, value in valid[-1]["nll"].items()},
        "scores": {split: _shorten(read_scores(row.folder, split)) for split in row.splits},
    }
    kinds = {kind for record in valid for kind in record.get("average", {})}
    for kind in sorted(kinds):  # a mean of models that is validated beside the model itself
        seen = [record for record in valid if kind in record.get("average", {})]
        summary[f"dev_nll_{kind}"] = [[record["step"], round(record["average"][kind]["mean"], 4)] for record in seen]
        summary[f"dev_nll_{kind}_by_task"] = _by_task([record["average"][kind]["nll"] for record in seen])
    if "continued_by" in environment:
        summary["continued_by"] = environment["continued_by"]
    for kind, key in (("balance", "weights"), ("sample", "probabilities")):
        found = [record for record in records if record["kind"] == kind]
        if found:  # None: a method without weights of its own for the steps that follow
            summary[key] = _round(found[-1][key])
            summary[f"{key}_along"] = [[record["step"], _round(record[key])] for record in thin(found, ALONG)]
    cosines = [record["cosine"] for record in records if record["kind"] == "balance" and "cosine" in record]
    if cosines:
        summary["cosine"] = round(mean(cosines), 4)
    signals = [record["signal_to_noise"] for record in records if record.get("signal_to_noise")]
    if signals:
        summary["signal_to_noise"] = {task: round(mean(signal[task] for signal in signals), 3) for task in signals[0]}
    if getattr(row.config.balancing, "formulation", None) == "paper":
        summary["terms"] = summarise_terms(records)
    analyses = [_shorten_analysis(record) for record in records if record["kind"] == "analysis"]
    return summary | ({"analysis": analyses} if analyses else {})


def _by_task(tables: list[dict[str, float]]) -> dict[str, list[float | None]]:
    """NLL by task, a value for each validation; None of a task that a record of training lacks."""
    tasks = dict.fromkeys(task for table in tables for task in table)
    return {task: [round(table[task], 3) if task in table else None for table in tables] for task in tasks}


def _nearest(records: list[dict[str, Any]], step: int) -> dict[str, Any]:
    """The record around a step: its window of training is the nearest."""
    return min(records, key=lambda record: abs(record["step"] - step))


def summarise_terms(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The terms of ∂J/∂α of Algorithm 1, L + 2 λ_c Gα + 2 λ_s (Σα − 1), at twelve of its updates.

    Each is its mean under α / Σα over the K tasks of the step, at the α and λ before the update; the loss is that of
    the training record before.
    """
    updates = [record for record in records if record["kind"] == "balance"]
    pairs = list(pairwise(updates))  # the second one's step was taken with what the first one left
    found = []
    for number in sorted({round(i * (len(pairs) - 1) / 11) for i in range(12)}) if pairs else []:
        before, record = pairs[number]
        present = list(record["gradient_norms"])
        alpha, by = {task: before["weights"][task] for task in present}, before["multipliers"]
        total, every = sum(alpha.values()), list(before["weights"].values())
        losses = [r["mean"] for r in records if r["kind"] == "train" and r["step"] <= record["step"]]
        found.append(
            {
                "step": record["step"],
                "present": len(present),
                "sum": round(sum(every), 4),
                "sum_present": round(total, 4),
                "largest": round(max(every) / sum(every), 4),
                "smallest": round(min(every) / sum(every), 4),
                "lambda_c": round(by["curvature"], 4),
                "lambda_s": round(by["simplex"], 4),
                "loss": round(losses[-1], 4) if losses else None,
                "curvature": round(2 * by["curvature"] * record["curvature"] / total, 4),
                "simplex": round(2 * by["simplex"] * (total - 1), 4),
            }
        )
    return found


def _shorten_analysis(record: dict[str, Any]) -> dict[str, Any]:
    """Top eigenvalues, the similarity of gradients over all parameters, their norms, and what of them is signal."""
    values = {task: entry["lambda_max"] for task, entry in record["curvature"].items()}
    if record["total"] is not None:
        values["total"] = record["total"]["lambda_max"]
    alike = record["similarity_by_resource"]
    cosines = [value for value in record["similarity"]["direction"]["all"].values() if value is not None]
    square = None if record["total"] is None else record["total"]["squared_gradient"]
    return {
        "step": record["step"],
        "squared_gradient": square if square is None else round(square, 5),
        "cosine": round(mean(cosines), 4) if cosines else None,
        "gradient_norms": _round(record["gradient_norms"]),
        "signal_to_noise": _round(record.get("signal_to_noise") or {}),
        "fisher_trace": _round({task: entry["fisher_trace"] for task, entry in record["curvature"].items()}),
        "lambda_max": {task: value if value is None else round(value, 3) for task, value in values.items()},
        "similarity": {
            kind: {pair: entry["mean"] for pair, entry in alike[kind]["all"].items() if entry["mean"] is not None}
            for kind in ("direction", "magnitude")
        },
    }


def _round(values: Mapping[str, float | None]) -> dict[str, float | None]:
    return {task: value if value is None else round(value, 4) for task, value in values.items()}


def summarise_comparison(table: Table, comparison: Comparison) -> dict[str, Any]:
    """The differences to the best temperature, by the table's own names."""
    owner = {str(row.folder): row.method for row in table.rows}
    names = {method.name: owner[str(Path(method.folders[0]).absolute())] for method in comparison.methods}
    differences: dict[str, Any] = {}
    for row in comparison.rows:
        if row.difference is None:
            continue
        digits = METRICS[row.metric].digits + 1
        differences.setdefault(names[row.method], {}).setdefault(row.over, {})[row.metric] = {
            "mean": round(row.difference.mean, digits),
            "interval": [round(end, digits) for end in row.difference.interval],
            "seed_std": None if row.difference.seed_std is None else round(row.difference.seed_std, digits),
            "interval_seeds": row.difference.interval_seeds
            and [round(e, digits) for e in row.difference.interval_seeds],
            "p_seeds": row.difference.p_seeds and round(row.difference.p_seeds, 6),
            "p_corrected": round(row.difference.p_corrected, 4),
            "significant": row.difference.significant,
        }
    summary: dict[str, Any] = {
        "baseline": names[comparison.baseline],
        "reason": table.why or rename(comparison.baseline_reason, names),
        **({} if table.metric is None else {"metric": table.metric}),
        "resamples": comparison.resamples,
        "corrected_for": comparison.corrected_for,
        "differences": differences,
    }
    if comparison.forgetting is not None and comparison.forgetting.rows:
        summary["forgetting"] = summarise_forgetting(comparison.forgetting, names)
    return summary


def rename(text: str, names: Mapping[str, str]) -> str:
    """A text with names of methods in it, which may begin alike, with those of rows in their place.

    Args:
        text: What a comparison says.
        names: Method → row.
    """
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(known, lambda match: names[match[0]], text) if names else text


def summarise_forgetting(found: Forgetting, names: Mapping[str, str]) -> dict[str, Any]:
    """The scores before training and after it, by the table's own names.

    Args:
        found: Of a comparison.
        names: Method → row.
    """
    rows: dict[str, Any] = {}
    for row in found.rows:
        digits = METRICS[row.metric].digits + 1
        entry: dict[str, Any] = {"mean": round(row.mean, digits)}
        entry["std"] = None if row.std is None else round(row.std, digits)
        if row.difference is not None:
            entry["difference"] = round(row.difference.mean, digits)
            entry["significant"] = row.difference.significant
        rows.setdefault(names.get(row.method, row.method), {}).setdefault(row.over, {})[row.metric] = entry
    return {"old": found.old, "new": found.new, "corrected_for": found.corrected_for, "rows": rows}


def _shorten(scores: dict[str, Any]) -> dict[str, Any]:
    """Metric by direction and group, rounded."""

    def values(entry: dict[str, Any]) -> dict[str, float]:
        plain = {name: read_score(entry, name) for name in METRICS}
        return {
            metric: round(value, METRICS[metric].digits + 1) for metric, value in plain.items() if value is not None
        }

    groups = {name: values(entry) for name, entry in scores["averages"].items() if entry and entry["bleu"] is not None}
    return groups | {name: values(entry) for name, entry in scores.items() if "-" in name}
