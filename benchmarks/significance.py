"""How often equal methods are called different, and how often a difference is found, over seeds and sentences.

python benchmarks/significance.py [--tries 20000] [--out results/significance.json]

Scores are drawn: a seed moves a score by 1 on average of the two methods, the second method's seeds `ratio` times as
much as the first one's; sentences move the difference of all seeds by `common`, and each single run by `single`.
Beside each rate stands that of Welch's test, which knows nothing of sentences. Any machine gives the same.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import ttest_ind

from catscale.comparison.seeds import Seeds, judge

SIGNIFICANCE = 0.05
SEEDS = ((2, 2), (3, 3), (5, 5), (10, 10), (2, 3), (3, 2), (3, 5), (5, 3), (2, 5), (5, 2))


def measure(
    seeds: tuple[int, int], ratio: float, common: float, single: float, effect: float, tries: int
) -> dict[str, float]:
    """The share of tries in which `judge`, and Welch's test, find p below 0.05."""
    rng = np.random.default_rng([*seeds, int(10 * ratio), int(100 * common), int(100 * single), int(10 * effect)])
    stds = np.array([1.0, ratio]) / np.sqrt((1 + ratio**2) / 2)
    scores = [rng.normal(0, np.hypot(std, single), (tries, n)) for std, n in zip(stds, seeds, strict=True)]
    scores[1] += effect + rng.normal(0, 1, (tries, 1)) * common
    sentence_std = float(np.sqrt(common**2 + single**2 * sum(1 / n for n in seeds)))
    found = 0
    for one, other in zip(*scores, strict=True):
        ours, theirs = (Seeds(len(runs), float(runs.var(ddof=1)), single**2) for runs in (other, one))
        found += judge(other.mean() - one.mean(), sentence_std, ours, theirs)[0] < SIGNIFICANCE
    welch = ttest_ind(scores[1], scores[0], axis=1, equal_var=False).pvalue < SIGNIFICANCE
    return {"found": round(found / tries, 4), "welch": round(float(welch.mean()), 4)}


def measure_all(tries: int) -> list[dict[str, Any]]:
    """Equal methods first, then methods that differ by one and by two, in units of what a seed moves."""
    rows = []
    for seeds in SEEDS:
        for ratio in (1, 2, 5) if seeds[0] == seeds[1] else (0.2, 1, 5):
            sentences = [(common, 0.0) for common in (0.0, 0.3, 1.0, 2.0)] + [(0.0, 0.3), (0.0, 1.0), (0.3, 0.3)]
            cases = [(*both, 0.0) for both in sentences] + [(0.0, 0.0, 1.0), (0.0, 0.0, 2.0)]
            for common, single, effect in cases:
                case: dict[str, Any] = {
                    "seeds": seeds,
                    "ratio": ratio,
                    "common": common,
                    "single": single,
                    "effect": effect,
                }
                rows.append({**case, "effect": effect} | measure(seeds, ratio, common, single, effect, tries))
                print(" ".join(f"{key}={value}" for key, value in rows[-1].items()), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=20000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = measure_all(options.tries)
    equal = [row["found"] for row in rows if row["effect"] == 0 and row["seeds"][0] == row["seeds"][1]]
    print(f"equal methods, as many seeds of both: {min(equal):.3f} to {max(equal):.3f} called different")
    if options.out:
        command = f"python benchmarks/significance.py --tries {options.tries} --out {options.out}"
        options.out.write_text(json.dumps({"command": command, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
