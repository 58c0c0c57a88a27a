"""Judge tables on record again by today's statistics over seeds: `python -m experiments.reassess FILE…`.

Nothing is trained or resampled: the seeds' scores are on record, rounded, and the standard deviation over sentences
follows from the interval on record. What sentences do to single runs is not on record; it then counts in both, which
makes intervals a little wide and finds a little less.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from catscale.comparison.correction import SIGNIFICANCE, holm
from catscale.comparison.seeds import Seeds, judge
from catscale.evaluation.metrics.table import METRICS
from experiments.record import write_record

WIDTH = 2 * 1.96
"""Of a 95% interval, in standard deviations."""


def reassess(content: dict[str, Any]) -> dict[str, Any]:
    """Return the same table with `p_seeds`, `interval_seeds`, and what follows from them.

    Rows with one seed, or whose baseline has one, decide nothing; they stay out of the correction.
    """
    comparison, rows = content["comparison"], {name: runs for name, runs in content["rows"].items() if runs}
    overs = next(iter(comparison["differences"].values()))
    for metric in (name for name in METRICS if name in next(iter(overs.values()))):  # tables of 0.1 have no TER
        decided, undecided = [], []
        for over in overs:
            scores = {name: [run["scores"]["test"][over][metric] for run in runs] for name, runs in rows.items()}
            for name, differences in comparison["differences"].items():
                difference = differences[over][metric]
                judged = _judge(difference, scores[name], scores[comparison["baseline"]])
                if judged is None:
                    undecided.append(difference)
                    difference |= {"p_seeds": None, "interval_seeds": None}
                    continue
                p_value, ends = judged
                difference |= {
                    "p_seeds": round(p_value, 6),
                    "interval_seeds": [round(end, METRICS[metric].digits + 1) for end in ends],
                }
                decided.append(difference)
        for difference, p_value in zip(decided, holm([one["p_seeds"] for one in decided]), strict=True):
            difference |= {"p_corrected": round(p_value, 4), "significant": p_value < SIGNIFICANCE}
        for difference in undecided:
            difference |= {"significant": False}
        comparison["corrected_for"] = len(decided) or len(undecided)
    return content | {"comparison": comparison | {"reassessed": True}}


def _judge(
    difference: dict[str, Any], ours: list[float], theirs: list[float]
) -> tuple[float, tuple[float, float]] | None:
    own, base = Seeds.of(ours), Seeds.of(theirs)
    if own is None or base is None:
        return None
    low, high = difference["interval"]
    return judge(difference["mean"], (high - low) / WIDTH, own, base)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    for path in parser.parse_args().files:
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and "comparison" in content:
            write_record(path, reassess(content))


if __name__ == "__main__":
    main()
