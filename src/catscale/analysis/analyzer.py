"""Measures the loss landscape of a model, task by task, into one record (documented in docs/analysis.md)."""

from collections.abc import Mapping
from typing import Any

from catscale.analysis.config import AnalysisConfig
from catscale.analysis.measurement import Measurement, PartWatch
from catscale.analysis.sample import TaskData
from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.errors import ConfigError
from catscale.model.contract import TranslationModel
from catscale.model.mode import in_mode
from catscale.system.writing.json_values import replace_nonfinite
from catscale.vocabulary.contract import Vocabulary


class Analyzer:
    """Measures curvature and gradient similarity of one model.

    Which sentences and which random vectors are used follows from seed, step and direction alone. The model is in
    evaluation mode meanwhile, in its own precision; neither `.grad` nor a random state of PyTorch's is touched.

    Memory: the gradients of all tasks, as large as the model each, and the graph of one task's gradient.

    Args:
        config: The measurements to make.
        model: Its shared parameters are whole, and are those looked at.
        pairs: The data of each direction.
        vocabulary: The run's vocabulary.
        resources: "low", "mid" or "high" by direction.
        seed: The run's seed.

    Raises:
        ConfigError: If a direction is named that there are no data of, or `top` eigenvalues are too many.
    """

    def __init__(
        self,
        config: AnalysisConfig,
        model: TranslationModel,
        pairs: Mapping[Direction, Pairs],
        vocabulary: Vocabulary,
        resources: Mapping[str, str],
        seed: int,
    ) -> None:
        known = {str(direction): direction for direction in pairs}
        tasks = list(known) if config.directions is None else list(dict.fromkeys(config.directions))
        unknown = [name for name in tasks if name not in known]
        if unknown:
            raise ConfigError(
                f"analysis.directions: no {config.split} data of {', '.join(unknown)}; there are those of "
                f"{', '.join(known)}; choose among them"
            )
        self.config, self.model, self.seed = config, model, seed
        self.data = {name: TaskData(known[name], pairs[known[name]], vocabulary, seed) for name in tasks}
        self.resources = {name: resources[name] for name in tasks}
        parameters = model.shared_parameters()
        if not parameters:
            raise ConfigError(
                "the analysis measures the parameters that all directions share, found none that is trained (model."
                "freeze holds all of them fixed); leave a part out of freeze, or leave the analysis out"
            )
        numbers = {id(parameter): number for number, parameter in enumerate(parameters)}
        self.groups = {name: [numbers[id(p)] for p in members] for name, members in model.module_groups().items()}
        sets = [list(range(len(parameters))), *(self.groups.values() if config.groups else [])]
        smallest = min(sum(parameters[number].numel() for number in members) for members in sets)
        if config.top >= smallest:
            raise ConfigError(
                f"analysis.top must be below the number of parameters{' of the smallest group' * config.groups}, "
                f"{smallest:,}, found {config.top}; lower it"
            )

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that a record's numbers depend on beside the model, the data and the step."""
        return {**self.config.model_dump(mode="json", exclude={"every"}), "seed": self.seed}

    def is_due(self, step: int) -> bool:
        """Return whether to measure after update number `step`."""
        return self.config.every is not None and step % self.config.every == 0

    def measure(self, step: int, weights: Mapping[str, float] | None, watch: PartWatch) -> dict[str, Any]:
        """Measure the model as it is and return the record without its step; null for what was not measured.

        Args:
            step: Decides which sentences are looked at.
            weights: α_n of the total by direction; None leaves the total out.
            watch: Told of the progress.
        """
        with in_mode(self.model, False):
            measurement = Measurement(self.config, self.model, self.data, self.groups, step, weights, watch)
            return dict(replace_nonfinite({**measurement.record(self.resources), "settings": self.settings}))


def summarise_costs(record: Mapping[str, Any]) -> str:
    """Return the cost of each part of a record, in one line."""
    seconds = record["seconds"]
    parts = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    return f"{sum(seconds.values()):.1f} s: {parts}"


def find_unconverged(record: Mapping[str, Any]) -> list[str]:
    """Return the names of what has no converged top eigenvalue: directions, the total, and groups of modules as in
    "E.SA of en-az"."""
    entries = dict(record["curvature"])
    if record["total"] is not None:
        entries["the total"] = record["total"]
    for group, tasks in (record["curvature_groups"] or {}).items():
        entries |= {f"{group} of {task}": entry for task, entry in tasks.items()}
    return [name for name, entry in entries.items() if entry["converged"] is False]
