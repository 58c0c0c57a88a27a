"""An evaluated run, as a comparison sees it: plain data, whoever read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catscale.training.checkpointing.best_step import read_step
from catscale.training.records.metrics_file import find_best_step, validation_scores

NOT_DIRECTIONS = ("averages", "evaluation")


@dataclass(frozen=True)
class EvaluatedRun:
    """The facts about one run that a comparison needs.

    Attributes:
        folder: The run's folder, which holds `translations/`.
        config: The resolved configuration, as in `config.yaml`.
        fingerprint: The fingerprint of the training data and the vocabulary.
        scores: Content of `scores.json` of the compared split.
        dev_scores: Content of `scores.dev.json`; None where dev was not evaluated.
        metrics: Records of `metrics.jsonl`.
        base_scores: Content of the compared split's scores of the model before training; None where there is none, or
            it was not evaluated.
        name: The name that the user gave its method; empty where it is made of the settings.
    """

    folder: Path
    config: Mapping[str, Any]
    fingerprint: str
    scores: Mapping[str, Any]
    dev_scores: Mapping[str, Any] | None
    metrics: Sequence[Mapping[str, Any]]
    base_scores: Mapping[str, Any] | None = None
    name: str = ""

    @property
    def seed(self) -> int:
        """Seed of the training."""
        return int(self.config["training"]["seed"])

    @property
    def directions(self) -> list[str]:
        """Trained directions that were scored; those that never were belong to no resource group."""
        trained = self.evaluation["resource_groups"]
        return [name for name in self.scores if name not in NOT_DIRECTIONS and name in trained]

    @property
    def evaluation(self) -> Mapping[str, Any]:
        """The evaluation of the run: settings, tokenisers, train pairs and resource groups."""
        found: Mapping[str, Any] = self.scores["evaluation"]
        return found

    @property
    def steps(self) -> int:
        """Steps trained."""
        return max((int(record["step"]) for record in self.metrics), default=0)

    @property
    def tokens(self) -> int:
        """Target tokens trained on; those of the steps after the last record of them are estimated."""
        counted = [record for record in self.metrics if record.get("tokens") and record["step"]]
        return round(counted[-1]["tokens"] * self.steps / counted[-1]["step"]) if counted else 0

    @property
    def best_step(self) -> int | None:
        """Step of the best model, which is what `catscale evaluate` scores; None where there is none on record."""
        told = read_step(self.folder / "best")
        return find_best_step(self.metrics, self.config["training"]["select_by"]) if told is None else told

    @property
    def validation(self) -> list[float]:
        """Mean validation NLL of each validation, in order."""
        return list(validation_scores(self.metrics).values())

    def is_finished(self) -> bool:
        """Return whether training came to an end: its steps, its minutes, or its patience."""
        training = self.config["training"]
        minutes, patience = training.get("max_minutes"), training.get("patience")
        values = list(validation_scores(self.metrics, training["select_by"]).values())
        seconds = max((float(record.get("time", 0.0)) for record in self.metrics), default=0.0)
        stale = len(values) - 1 - values.index(min(values)) if values else 0
        return (
            self.steps >= training["max_steps"]
            or (minutes is not None and seconds >= 60 * minutes)
            or (patience is not None and stale >= patience)
        )
