"""A comparison as a table for other programs: one line a metric, direction or group, and method."""

from pathlib import Path

from catscale.comparison.result import Comparison
from catscale.system.console.csv_text import to_csv
from catscale.system.writing.files import write_text

COLUMNS = (
    "metric", "over", "train_pairs", "method", "seeds", "mean", "std", "low", "high", "baseline", "difference",
    "difference_low", "difference_high", "difference_seed_std", "p_bootstrap", "p_randomisation", "p_two_sided",
    "p_corrected", "significant", "difference_low_seeds", "difference_high_seeds", "p_seeds",
)  # fmt: skip


def write_csv(path: Path, comparison: Comparison) -> None:
    """Write the rows as CSV, atomically; what there is not is an empty cell."""
    pairs = {direction.name: direction.pairs for direction in comparison.directions}
    seeds = {method.name: " ".join(map(str, method.seeds)) for method in comparison.methods}
    table = []
    for row in comparison.rows:
        own = [row.metric, row.over, pairs.get(row.over), row.method, seeds[row.method], row.mean, row.std]
        cells = [*own, *row.interval, comparison.baseline]
        if row.difference is not None:
            d = row.difference
            cells += [d.mean, *d.interval, d.seed_std, d.p_bootstrap, d.p_randomisation, d.p_two_sided]
            cells += [d.p_corrected, int(d.significant), *(d.interval_seeds or (None, None)), d.p_seeds]
        table.append([*cells, *[None] * (len(COLUMNS) - len(cells))])
    write_text(path, to_csv(COLUMNS, table))
