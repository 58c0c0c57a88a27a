"""The runs that a sweep consists of: methods × seeds at one budget."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from catscale.errors import ConfigError
from catscale.evaluation.config import CPU_BATCH, EvaluationConfig, name_metrics
from catscale.run.config import RunConfig
from catscale.run.folder.best import find_step_of_best
from catscale.run.folder.places import base_place
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
        scores_base: Whether the pre-trained model that it begins with is scored too, before training.
    """

    method: str
    seed: int
    config: RunConfig
    folder: Path
    splits: tuple[str, ...] = SPLITS
    scores_base: bool = False

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
        best = find_step_of_best(self.folder, self.config.training.select_by)
        return self._is_scored(self.folder, best) and (not self.scores_base or self.has_base_scores)

    @property
    def has_base_scores(self) -> bool:
        """Whether the model that it begins with is scored as the configuration says."""
        return self._is_scored(base_place(self.folder), 0)

    def _is_scored(self, place: Path, step: int | None) -> bool:
        """Return whether scores lie in a folder, of the model of a step, as the configuration says."""
        if not all(name_scores_file(place, split).is_file() for split in self.splits):
            return False
        made = [read_scores(place, split).get("evaluation", {}) for split in self.splits]
        settings, is_open = self.config.evaluation.model_dump(mode="json"), self.config.evaluation.left_open
        # None: scores of a version that did not record the step. A setting that an earlier version did not have is what
        # it did.
        usual = EvaluationConfig(precision="float32", batch_tokens=CPU_BATCH).model_dump(mode="json")
        known = [m["settings"] for m in made if m.get("settings")]
        return len(known) == len(made) and all(
            m.get("step") in (None, step) and usual | name_metrics(m["settings"]) | is_open == settings for m in made
        )


def models_differ(runs: Sequence[PlannedRun]) -> bool:
    """Return whether runs have different models: on purpose, since their methods name them."""
    return any(run.config.model != runs[0].config.model for run in runs)


def score_bases(runs: Sequence[PlannedRun]) -> list[PlannedRun]:
    """Have the first run of every pre-trained model score that model as it is before training, for all that start so.

    Args:
        runs: Planned runs; the same are returned where none starts from another model.
    """
    seen: list[Any] = []
    marked = []
    for run in runs:
        is_first = run.config.model.has_base and run.config.model not in seen
        seen += [run.config.model] if is_first else []
        marked.append(replace(run, scores_base=is_first))
    return marked


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
    return score_bases(runs)
