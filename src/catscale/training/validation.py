"""Validation while training: NLL by direction, and the score that chooses the best model."""

import math
from collections.abc import Mapping
from typing import Any

from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.distributed.sharding import is_sharded
from catscale.errors import ConfigError, DivergedError
from catscale.evaluation.nll import measure_nll
from catscale.training.records.content import make_valid_record
from catscale.training.setup import TrainingSetup


class Validator:
    """Measures a model on held-out pairs.

    Args:
        setup: The run's parts; its processes share the work.

    Raises:
        ConfigError: If `select_by` names a direction without held-out pairs.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        config = setup.config
        names = {str(direction) for direction in setup.validated}
        if config.select_by not in names | {"mean"}:
            raise ConfigError(f"training.select_by must be mean or one of {sorted(names)}, found {config.select_by!r}")
        self.config, self.objective, self.validation = config, setup.objective, setup.validated
        self.vocabulary, self.autocast, self.processes = setup.vocabulary, setup.precision.dtype, setup.processes
        self.stream, self.tasks = setup.stream, setup.balancer.tasks

    def measure(self, step: int) -> dict[str, Any]:
        """Measure the record of the model after update number `step`, with the epochs of each task by then.

        Raises:
            DivergedError: If the mean is not finite.
        """
        record = self.measure_record()
        if not math.isfinite(record["mean"]):
            raise DivergedError(
                f"step {step}: the validation nll is {record['mean']}; lower optimizer.learning_rate; "
                "the last good checkpoint is kept"
            )
        return record | {"epochs": {task: round(self.stream.epochs(task), 3) for task in self.tasks}}

    def measure_record(self, pairs: Mapping[Direction, Pairs] | None = None) -> dict[str, Any]:
        """Measure the record of the model as it is: NLL by direction, and their mean, which may not be finite.

        Args:
            pairs: Held-out pairs by direction; None for those that a validation takes.
        """
        sharded, size = is_sharded(self.objective.model), self.processes.size
        part = (0, 1) if sharded else (self.processes.rank, size)
        parts_of_all = size if sharded else 1  # all compute everything; the mean is the same everywhere
        nll = measure_nll(
            self.objective.model,
            self.validation if pairs is None else pairs,
            self.vocabulary,
            self.config.batch_tokens,
            self.autocast,
            self.objective,
            part,
            lambda sums: [value / parts_of_all for value in self.processes.sum(sums)],
        )
        return make_valid_record(nll)

    def score(self, record: Mapping[str, Any]) -> float:
        """Return the score that chooses the best model: the mean over directions, or the NLL of one."""
        chosen = self.config.select_by
        return float(record["mean"] if chosen == "mean" else record["nll"][chosen])
