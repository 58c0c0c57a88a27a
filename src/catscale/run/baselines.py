"""The losses of a finished run, which a sampler compares its own with.

Legend: W records of the training loss.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catscale.errors import ConfigError
from catscale.sampling.contract import Sampling
from catscale.training.records.metrics_file import read_metrics

LATEST = 10
"""The latest records of the training loss whose mean is a baseline."""


def fill_baselines(sampling: Sampling[Any], origin: str) -> Sampling[Any]:
    """Return a sampler with the losses of the run that it compares with, where it names one.

    Args:
        sampling: Its settings.
        origin: Named in errors.

    Raises:
        ConfigError: If that is not a run's folder with losses.
    """
    folder = sampling.compared_run
    if folder is None:
        return sampling
    train, dev = read_losses(folder, origin)
    return sampling.with_baselines(train, dev)


def read_losses(folder: Path, origin: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return the losses of a run by task: the mean of the latest W = 10 records of training, the lowest on dev.

    Args:
        folder: The run's.
        origin: Named in errors.

    Raises:
        ConfigError: If it has none.
    """
    path = folder / "metrics.jsonl"
    if not path.is_file():
        raise ConfigError(
            f"{origin}: sampling.baseline_run must be the folder of a run, found {folder}, which has no metrics.jsonl; "
            "give one"
        )
    records = read_metrics(path)
    train = [_finite(record) for record in records if record["kind"] == "train"][-LATEST:]
    dev = [_finite(record) for record in records if record["kind"] == "valid"]
    if not any(train) or not any(dev):
        raise ConfigError(
            f"{origin}: sampling.baseline_run must be a run with losses on record, found none in {folder}; train it "
            "first"
        )
    columns = {task: [row[task] for row in train if task in row] for task in {task for row in train for task in row}}
    means = {task: sum(values) / len(values) for task, values in sorted(columns.items())}
    lowest = {task: min(row[task] for row in dev if task in row) for task in sorted({t for row in dev for t in row})}
    return means, lowest


def _finite(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the NLL of a record by task, where it is known."""
    return {task: value for task, value in (record.get("nll") or {}).items() if value is not None}
