"""The runs that a sweep consists of: methods × seeds at one budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig, name_metrics
from catscale.run.config import RunConfig
from catscale.run.folder.best import find_step_of_best
from catscale.run.folder.readback import name_scores_file, read_scores
from catscale.run.method_text import configure, folder_name
from catscale.training.records.metrics_file import read_metrics

SPLITS = ("dev", "test")
"""The splits that every run of a sweep is scored on."""


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep.

    Attributes:
        method: The method as the user wrote it.
        seed: The run's seed.
        config: The configuration of the run.
        folder: `OUT/METHOD/seed-N`; its configuration and log lie beside it.
        splits: The splits that are scored.
    """

    method: str
    seed: int
    config: RunConfig
    folder: Path
    splits: tuple[str, ...] = SPLITS

    @property
    def name(self) -> str:
        """Shown to the user."""
        return f"{self.method} seed {self.seed}"

    @property
    def steps(self) -> int:
        """Steps taken."""
        path = self.folder / "metrics.jsonl"
        return max((int(record["step"]) for record in read_metrics(path)), default=0) if path.is_file() else 0

    @property
    def is_done(self) -> bool:
        """Whether its steps are taken, and its best model is scored as the configuration says."""
        if self.steps < self.config.training.max_steps:
            return False
        if not all(name_scores_file(self.folder, split).is_file() for split in self.splits):
            return False
        made = [read_scores(self.folder, split).get("evaluation", {}) for split in self.splits]
        best = find_step_of_best(self.folder, self.config.training.select_by)
        settings = self.config.evaluation.model_dump(mode="json")
        # None: scores of a version that did not record the step. A setting that an earlier version did not have is what
        # it did.
        usual = EvaluationConfig().model_dump(mode="json")
        known = [m["settings"] for m in made if m.get("settings")]
        return len(known) == len(made) and all(
            m.get("step") in (None, best) and usual | name_metrics(m["settings"]) == settings for m in made
        )


def plan_sweep(config: RunConfig, methods: Sequence[str], seeds: Sequence[int], out: Path) -> list[PlannedRun]:
    """Return the runs of a sweep, seed by seed, so that a sweep that is stopped early compares all methods.

    Args:
        config: The configuration that all runs share.
        methods: The methods, as `configure` reads them.
        seeds: A run of each method a seed.
        out: The sweep's folder.

    Raises:
        ConfigError: If a method is wrong or repeated, or the runs' budgets may differ.
    """
    for what, values in (("method", methods), ("seed", seeds)):
        twice = sorted({str(value) for value in values if list(values).count(value) > 1})
        if twice:
            raise ConfigError(f"the {what} {', '.join(twice)} stands twice; name each once")
    for key in ("max_minutes", "patience"):
        if getattr(config.training, key) is not None:
            raise ConfigError(
                f"a sweep gives every run the same updates and target tokens, and training.{key} = "
                f"{getattr(config.training, key):g} would end them at different steps; add --set training.{key}=null, "
                "and set training.max_steps"
            )
    runs = [
        PlannedRun(method, seed, configure(config, method, seed), out / folder_name(method) / f"seed-{seed}")
        for seed in seeds
        for method in methods
    ]
    for first, second in combinations(runs[: len(methods)], 2):
        if first.config == second.config or first.folder == second.folder:
            raise ConfigError(f"the methods {first.method!r} and {second.method!r} are the same; name each once")
    return runs
