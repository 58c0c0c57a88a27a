"""Validation while training: NLL by direction, and the score that chooses the best model."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.distributed.processes import Processes
from catscale.distributed.sharding import is_sharded
from catscale.errors import ConfigError, DivergedError
from catscale.evaluation.nll import measure_nll
from catscale.model.likelihood import Objective
from catscale.training.config import TrainingConfig
from catscale.training.records.content import valid_record
from catscale.vocabulary.contract import Vocabulary


class Validator:
    """Measures a model on held-out pairs.

    Args:
        config: Gives the size of a batch, and what the score is.
        objective: The model and its loss.
        validation: Held-out pairs by direction.
        vocabulary: Of the run.
        autocast: Type of mixed precision, None for the parameters' own.
        processes: Those that share the work.

    Raises:
        ConfigError: If `select_by` names a direction without held-out pairs.
    """

    def __init__(
        self,
        config: TrainingConfig,
        objective: Objective,
        validation: Mapping[Direction, Pairs],
        vocabulary: Vocabulary,
        autocast: torch.dtype | None,
        processes: Processes,
    ) -> None:
        names = {str(direction) for direction in validation}
        if config.select_by not in names | {"mean"}:
            raise ConfigError(f"training.select_by must be mean or one of {sorted(names)}, found {config.select_by!r}")
        self.config, self.objective, self.validation = config, objective, validation
        self.vocabulary, self.autocast, self.processes = vocabulary, autocast, processes

    def measure(self, step: int) -> dict[str, Any]:
        """The record of the model after update number `step`.

        Raises:
            DivergedError: If the mean is not finite.
        """
        sharded, size = is_sharded(self.objective.model), self.processes.size
        part = (0, 1) if sharded else (self.processes.rank, size)
        parts_of_all = size if sharded else 1  # all compute everything; the mean is the same everywhere
        nll = measure_nll(
            self.objective.model,
            self.validation,
            self.vocabulary,
            self.config.batch_tokens,
            self.autocast,
            self.objective,
            part,
            lambda sums: [value / parts_of_all for value in self.processes.sum(sums)],
        )
        record = valid_record(nll)
        if not math.isfinite(record["mean"]):
            raise DivergedError(
                f"step {step}: the validation nll is {record['mean']}; lower training.learning_rate; "
                "the last good checkpoint is kept"
            )
        return record

    def score(self, record: Mapping[str, Any]) -> float:
        """What chooses the best model: the mean over directions, or the NLL of one."""
        chosen = self.config.select_by
        return float(record["mean"] if chosen == "mean" else record["nll"][chosen])
