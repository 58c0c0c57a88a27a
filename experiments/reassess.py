"""Significance over seeds of tables that were summed up without it: `python -m experiments.reassess FILE…`.

Nothing is trained or resampled: the seeds' scores are on record, and the standard deviation over sentences follows
from the interval on record. Tables that have it already are left alone.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from catscale.comparison.correction import LEVEL, holm
from catscale.comparison.result import DIGITS, METRICS
from catscale.comparison.seeds import judge, pool_seeds
from catscale.system.files import write_json

WIDTH = 2 * 1.96
"""Of a 95% interval, in standard deviations."""


def reassess(content: dict[str, Any]) -> dict[str, Any]:
    """The same table with `p_seeds`, `interval_seeds`, and what follows from them."""
    comparison, rows = content["comparison"], {name: runs for name, runs in content["rows"].items() if runs}
    overs = next(iter(comparison["differences"].values()))
    for metric in METRICS:
        found: list[dict[str, Any]] = []
        for over in overs:
            scores = {name: [run["scores"]["test"][over][metric] for run in runs] for name, runs in rows.items()}
            noise, base = pool_seeds(list(scores.values())), len(scores[comparison["baseline"]])
            if noise is None:
                return content
            for name, differences in comparison["differences"].items():
                difference = differences[over][metric]
                low, high = difference["interval"]
                p_value, ends = judge(difference["mean"], (high - low) / WIDTH, noise, len(scores[name]), base)
                difference |= {
                    "p_seeds": round(p_value, 6),
                    "interval_seeds": [round(end, DIGITS[metric] + 1) for end in ends],
                }
                found.append(difference)
        for difference, p_value in zip(found, holm([one["p_seeds"] for one in found]), strict=True):
            difference |= {"p_corrected": round(p_value, 4), "significant": p_value < LEVEL}
    return content | {"comparison": comparison | {"reassessed": True}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    for path in parser.parse_args().files:
        content = json.loads(path.read_text(encoding="utf-8"))
        one = next(iter(next(iter(content["comparison"]["differences"].values())).values()))["bleu"]
        if "p_seeds" not in one:
            write_json(path, reassess(content))


if __name__ == "__main__":
    main()
