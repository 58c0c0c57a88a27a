"""A comparison and the folders of its runs, made up: every number follows from a formula and a seed."""

import json
import math
import random
from pathlib import Path
from typing import Any

import yaml

from catscale.comparison.result import GROUPS, ComparedDirection, ComparedMethod, Comparison, Difference, Row
from tests.unchecked import unchecked

COMPARED = ("bleu", "chrf", "nll", "ter")
METHODS = {"T=1": 1.0, "T=5": 5.0, "T=100": 100.0, "T=5 + CATS": None}
CODES = ["be", "az", "gl", "sk", "cs", "tr", "pt", "ru"]
MODULES = ("all", "E.SA", "E.FC", "D.SA", "D.EA", "D.FC", "E.LN", "D.LN")


def make_directions(count: int = 8) -> list[ComparedDirection]:
    names = CODES if count == 8 else [f"x{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(count)]
    sizes = [round(400 * 1.9 ** (8 * i / max(1, count - 1))) for i in range(count)]
    groups = ["low" if i < count / 2 else "high" for i in range(count)]
    return [ComparedDirection(f"en-{n}", s, unchecked(g), 300) for n, s, g in zip(names, sizes, groups, strict=True)]


def make_comparison(
    folder: Path, methods: dict[str, float | None] | None = None, count: int = 8, seeds: int = 2, steps: int = 800,
    balance: bool = True, analysis: bool = True, dev_bleu: int | None = 50, **changes: Any,
) -> Comparison:  # fmt: skip
    names = METHODS if methods is None else methods
    directions = make_directions(count)
    made = []
    for index, (name, temperature) in enumerate(names.items()):
        folders = [folder / f"m{index}" / f"seed-{seed}" for seed in range(1, seeds + 1)]
        for seed, run in enumerate(folders, 1):
            write_run(
                run, directions, index, seed, steps, balance and temperature is None, analysis, temperature, dev_bleu
            )
        made.append(ComparedMethod(name, list(range(1, seeds + 1)), [str(run) for run in folders], temperature))
    baseline = "T=5" if "T=5" in names else next(iter(names))
    content: dict[str, Any] = {
        "verdict": f"CATS gains 1.1 BLEU (95% interval 0.4 to 1.9) over {baseline} on low-resource directions.",
        "baseline": baseline, "baseline_reason": "the temperature with the best validation NLL", "split": "test",
        "methods": made, "directions": directions, "rows": make_rows(directions, made, baseline, seeds),
        "resamples": 1000, "seed": 12345, "corrected_for": 3 * count,
        "warnings": ["the runs were trained at two commits: 1a2b3c and 4d5e6f"],
        "signatures": {"bleu": {d.name: "nrefs:1|case:mixed|eff:no|tok:13a|version:2.6.0" for d in directions}},
    }  # fmt: skip
    return Comparison(**(content | changes))


def make_rows(
    directions: list[ComparedDirection], methods: list[ComparedMethod], baseline: str, seeds: int
) -> list[Row]:
    rows = []
    for metric in COMPARED:
        overs = [d.name for d in directions] + [
            g for g in GROUPS if g == "all" or any(d.group == g for d in directions)
        ]
        for place, over in enumerate(overs):
            values = {}
            for index, method in enumerate(methods):
                low = over == "low" or any(d.name == over and d.group == "low" for d in directions)
                base = 20 + place + (3 if low else -1.5) * index
                values[method.name] = 4 - base / 20 if metric == "nll" else base + (20 if metric == "chrf" else 0)
            for method in methods:
                rows.append(_row(metric, over, method, values[method.name], values[baseline], baseline, seeds))
    return rows


def _row(metric: Any, over: str, method: ComparedMethod, value: float, base: float, baseline: str, seeds: int) -> Row:
    spread = 0.02 if metric == "nll" else 0.8
    std = spread / 2 if seeds > 1 else None
    mean = value - base
    clear = abs(mean) > spread * 2
    found = Difference(mean, (mean - spread * 1.5, mean + spread * 1.5), std, 0.01, None, 0.02 if clear else 0.4, clear)
    seeds_values = [value + spread * (i - (seeds - 1) / 2) for i in range(seeds)]
    difference = None if method.name == baseline else found
    return Row(
        metric, over, method.name, seeds_values, value, std, (value - spread * 2, value + spread * 2), difference
    )


def write_run(
    folder: Path, directions: list[ComparedDirection], index: int, seed: int, steps: int, balance: bool, analysis: bool,
    temperature: float | None, dev_bleu: int | None,
) -> None:  # fmt: skip
    folder.mkdir(parents=True)
    noise = random.Random(f"{index} {seed}")
    records = []
    every = max(1, steps // 16)
    for step in range(every, steps + 1, every):
        nll = {d.name: _nll(d, index, step / steps, True) + noise.gauss(0, 0.02) for d in directions}
        records.append({"kind": "train", "step": step, "time": step / 10, "tokens": step * 2000, "nll": nll})
        if step % (2 * every) == 0:
            valid = {d.name: _nll(d, index, step / steps, False) + noise.gauss(0, 0.01) for d in directions}
            record = {"kind": "valid", "step": step, "time": step / 10, "nll": valid}
            if dev_bleu is not None:
                record["bleu"] = {name: 30 * math.exp(-nll) + noise.uniform(0, 0.1) for name, nll in valid.items()}
            records.append(record)
        if balance:
            weights = {d.name: math.exp(noise.gauss(0, 0.3 * step / steps)) / len(directions) for d in directions}
            curvature = 2.5 * math.exp(-2 * step / steps)
            records.append({"kind": "balance", "step": step, "time": 1, "weights": weights, "curvature": curvature})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    sampling = {"method": "temperature", "temperature": temperature or 5.0}
    config = {
        "sampling": sampling,
        "balancing": {"method": "cats" if balance else "fixed"},
        "training": {"seed": seed, "validate_bleu": dev_bleu},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    environment = {"catscale": "0.1.0", "commit": "abc123", "seed": seed, "packages": {"torch": "2.13.0"}}
    (folder / "environment.json").write_text(json.dumps(environment))
    if analysis:
        history = [make_analysis(directions, step, noise) for step in range(steps // 4, steps + 1, steps // 4)]
        (folder / "analysis.json").write_text(json.dumps(history[-1] | {"history": history[:-1]}))


def _nll(direction: ComparedDirection, index: int, done: float, train: bool) -> float:
    level = 5 - 0.35 * math.log(direction.pairs) + 0.05 * index
    overfit = 0.0 if train else max(0.0, done - 0.5) * (1.2 if direction.group == "low" else 0.1)
    return level + 4 * math.exp(-5 * done) - (0.5 * done if train else 0) + overfit


def make_analysis(directions: list[ComparedDirection], step: int, noise: random.Random) -> dict[str, Any]:
    names = [d.name for d in directions]
    pairs = [f"{a}|{b}" for i, a in enumerate(names) for b in names[i + 1 :]]
    entry = {
        "residual": 0.01,
        "iterations": 20,
        "converged": True,
        "trace": 90.0,
        "trace_error": 2.0,
        "fisher_trace": 80.0,
    }
    cosines = {m: {p: noise.gauss(0.1, 0.25 if m.endswith("LN") else 0.08) for p in pairs} for m in MODULES}
    lengths = {m: {p: noise.uniform(0.5, 1) for p in pairs} for m in MODULES}
    kinds = ("high-high", "low-low", "high-low")
    by_kind = {
        measure: {m: {k: {"mean": noise.gauss(c, 0.03), "error": 0.02, "pairs": 6} for k in kinds} for m in MODULES}
        for measure, c in (("direction", 0.1), ("magnitude", 0.8))
    }
    return {
        "step": step,
        "curvature": {name: {"lambda_max": noise.gauss(8, 6) * 300 / step, **entry} for name in names},
        "total": {"lambda_max": 12 * 300 / step, **entry, "weights": {}, "squared_gradient": 1.0},
        "similarity": {"direction": cosines, "magnitude": lengths},
        "similarity_error": {"direction": {m: dict.fromkeys(pairs) for m in MODULES}},
        "similarity_by_resource": by_kind,
        "gradient_norms": dict.fromkeys(names, 1.0),
    }
