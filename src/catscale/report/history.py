"""The records that a comparison's runs wrote while they trained, read from their folders.

Everything may be missing (a folder that was removed, a run that was never analysed); it is then an empty list.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from catscale.analysis.analysis_file import list_records, merge
from catscale.analysis.schemas import AnalysisFile
from catscale.comparison.result import Comparison
from catscale.errors import ConfigError
from catscale.system.reading.json_file import load_json
from catscale.system.reading.schema import FileSchema
from catscale.system.reading.yaml_file import read_yaml
from catscale.training.moved_settings import move_settings
from catscale.training.records.environment_schema import EnvironmentFile
from catscale.training.records.metrics_file import read_metrics, select_analyses

RunRecord = dict[str, Any]
KINDS = ("train", "valid", "balance", "sample")


@dataclass(frozen=True)
class Run:
    """One run's records, each list ascending by step.

    Attributes:
        method: Name of the method in the comparison.
        seed: The run's seed.
        folder: The run's folder.
        train: Loss and NLL by task over a window, target tokens seen.
        valid: Validation NLL by task.
        balance: Weights by task, ‖Σ α g‖².
        sample: Sampling probabilities by task.
        analysis: Curvature and similarity of gradients.
        config: Content of config.yaml.
        environment: Content of environment.json.
    """

    method: str
    seed: int
    folder: Path
    train: list[RunRecord]
    valid: list[RunRecord]
    balance: list[RunRecord]
    sample: list[RunRecord]
    analysis: list[RunRecord]
    config: RunRecord
    environment: RunRecord


def read_runs(comparison: Comparison) -> list[Run]:
    """Read every run of every method, in the order of the comparison."""
    return [
        read_run(method.name, seed, Path(folder))
        for method in comparison.methods
        if not method.outside
        for seed, folder in zip(method.seeds, method.folders, strict=True)
    ]


def read_run(method: str, seed: int, folder: Path) -> Run:
    """Read one run's folder."""
    path = folder / "metrics.jsonl"
    records = read_metrics(path) if path.is_file() else []
    kinds = {kind: [record for record in records if record.get("kind") == kind] for kind in KINDS}
    return Run(
        method,
        seed,
        folder,
        **kinds,
        analysis=merge(select_analyses(records), list_records(_read_object(folder / "analysis.json", AnalysisFile))),
        config=_read_config(folder / "config.yaml"),
        environment=_read_object(folder / "environment.json", EnvironmentFile),
    )


def interpolate_tokens(run: Run, step: int) -> float | None:
    """Return the target tokens seen after a step, interpolated between the records; None where they do not reach."""
    counted = {int(r["step"]): float(r["tokens"]) for r in (*run.train, *run.valid) if r.get("tokens") is not None}
    for (before, low), (after, high) in pairwise(sorted(({0: 0.0} | counted).items())):
        if before <= step <= after:
            return low + (high - low) * (step - before) / (after - before)
    return None


def items(record: RunRecord, key: str) -> Iterator[tuple[str, float]]:
    """Yield the finite numbers of a mapping in a record."""
    return ((name, value) for name, value in (record.get(key) or {}).items() if value is not None)


def _read_config(path: Path) -> RunRecord:
    """Read a run's configuration, the settings of an earlier version under their names of today."""
    content = _read_object(path)
    with suppress(ConfigError):
        move_settings(content, str(path))
    return content


def _read_object(path: Path, schema: type[FileSchema] | None = None) -> RunRecord:
    """Read a JSON or YAML file's mapping; empty if there is none or it is damaged: a report shows what there is."""
    try:
        content = load_json(path, schema) if path.suffix == ".json" else read_yaml(path, follow=False)
    except (OSError, ValueError, ConfigError):
        return {}
    return content if isinstance(content, dict) else {}
