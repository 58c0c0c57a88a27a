"""Measures the loss landscape of a model, task by task, into one record (documented in docs/analysis.md).

Legend: N tasks, P parameter tensors, D numbers in all of them, S batches of each task.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catscale.balancing.gramian import gramian
from catscale.data.direction import Direction
from catscale.data.store import Pairs
from catscale.data.vocabulary import Vocabulary
from catscale.errors import ConfigError
from catscale.landscape.eigenvalues import TopEigenvalue, lanczos, power_iteration, random_start
from catscale.landscape.fisher import scale_to_tokens, sentence_squares
from catscale.landscape.hessian import Hessian, Loss, total_hessian
from catscale.landscape.similarity import summarise
from catscale.landscape.trace import mean_and_error, quadratic_forms
from catscale.model.groups import module_groups
from catscale.training.analysis_config import AnalysisConfig
from catscale.training.analysis_sample import Sample, TaskData
from catscale.training.metrics import finite

Table = NDArray[np.float64]
Watch = Callable[[int, int, str], None]
"""Told what is done, out of how much, and what that was."""
CURVATURE, GRADIENTS, START, SIGNS = range(4)
"""What random numbers are drawn for: part of their seeds."""


class Analyzer:
    """Measures curvature and gradient similarity of one model.

    Which sentences and which random vectors are used follows from seed, step and direction alone. The model is in
    evaluation mode meanwhile, in its own precision; neither `.grad` nor a random state of PyTorch's is touched.

    Memory: the gradients of all N tasks, N · D numbers, and the graph of one task's gradient.

    Args:
        config: What to measure.
        model: An M2M100-type model with whole parameters.
        pairs: The data of each direction.
        vocabulary: Of the run.
        resources: "low", "mid" or "high" by direction.
        seed: Of the run.

    Raises:
        ConfigError: If a direction is named that there are no data of, or `top` eigenvalues are too many.
    """

    def __init__(
        self,
        config: AnalysisConfig,
        model: Any,
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
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        numbers = {id(parameter): number for number, parameter in enumerate(self.parameters)}
        self.groups = {name: [numbers[id(p)] for p in members] for name, members in module_groups(model).items()}
        smallest = min(sum(self.parameters[number].numel() for number in members) for members in self.groups.values())
        if config.groups and config.top >= smallest:
            raise ConfigError(
                f"analysis.top must be below the number of parameters of the smallest group, {smallest:,}, found "
                f"{config.top}; lower it"
            )

    @property
    def settings(self) -> dict[str, Any]:
        """What a record's numbers depend on beside the model, the data and the step."""
        return {**self.config.model_dump(mode="json", exclude={"every"}), "seed": self.seed}

    def is_due(self, step: int) -> bool:
        """Whether to measure after update number `step`."""
        return self.config.every is not None and step % self.config.every == 0

    def measure(self, step: int, weights: Mapping[str, float] | None, watch: Watch) -> dict[str, Any]:
        """The record of the model as it is, without its step; null for what was not measured.

        Args:
            step: Decides which sentences are looked at.
            weights: α_n of the total by direction; None leaves the total out.
            watch: Told of the progress.
        """
        was_training = self.model.training
        self.model.eval()
        try:
            return dict(finite(_Measurement(self, step, weights, watch).record()))
        finally:
            self.model.train(was_training)


class _Measurement:
    """One record in the making."""

    def __init__(self, analyzer: Analyzer, step: int, weights: Mapping[str, float] | None, watch: Watch) -> None:
        self.analyzer, self.config, self.step, self.weights = analyzer, analyzer.config, step, weights
        self.parameters, self.tasks = analyzer.parameters, list(analyzer.data)
        self.seconds = dict.fromkeys(("curvature", "trace", "fisher", "similarity"), 0.0)
        self.groups = analyzer.groups if self.config.groups else {}
        self.forms: dict[str, Table] = {}  # (traces, P) by task
        self.squares: dict[str, Table] = {}  # (sentences, P) by task, scaled
        has_total = weights is not None and self.config.total and self.config.max_iterations > 0
        self._watch, self._done = watch, 0
        self._units = self.config.steps * len(self.tasks) + len(self.tasks) + has_total

    def record(self) -> dict[str, Any]:
        """Everything that the settings ask for."""
        gramians, norms = self._gramians()
        similarity = summarise(gramians, self.tasks, self.analyzer.resources)
        curvature = {task: self._task(task) for task in self.tasks}
        return {
            "curvature": {task: entries["all"] for task, entries in curvature.items()},
            "total": self._total(gramians["all"]),
            "curvature_groups": {g: {task: curvature[task][g] for task in self.tasks} for g in self.groups} or None,
            **similarity,
            "gradient_norms": norms,
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
            "settings": self.analyzer.settings,
        }

    def _gramians(self) -> tuple[dict[str, Table], dict[str, float]]:
        """(S, N, N) Gram matrices by group, and the mean of ‖g_n‖ over the batches by task."""
        with self._timed("similarity"):
            steps = [self._gramian(number) for number in range(self.config.steps)]
        found = {name: np.stack([tables[name] for tables in steps]) for name in steps[0]}
        norms = np.sqrt(np.diagonal(found["all"], axis1=1, axis2=2)).mean(0).tolist()
        return found, dict(zip(self.tasks, norms, strict=True))

    def _gramian(self, number: int) -> dict[str, Table]:
        """(N, N) over each group and over all parameters, on batch `number` of every task."""
        rows = []
        for task in self.tasks:
            sample = self.analyzer.data[task].draw(self.config.gradient_tokens, 0, [self.step, GRADIENTS, number])
            rows.append(_gradient(sample.losses(self.analyzer.model), self.parameters))
            self._advance(f"gradient {number + 1} of {task}")
        found = {}
        rest = set(range(len(self.parameters)))
        for name, members in self.analyzer.groups.items():
            found[name] = gramian([[row[index] for index in members] for row in rows]).numpy()
            rest -= set(members)
        others = gramian([[row[index] for index in sorted(rest)] for row in rows]).numpy()
        return {"all": sum(found.values(), others), **found}

    def _task(self, task: str) -> dict[str, dict[str, Any]]:
        """The curvature of one task, over all parameters and by group."""
        sample, data, model = self._sample(task), self.analyzer.data[task], self.analyzer.model
        with self._timed("curvature"):
            needed = self.config.max_iterations or self.config.traces
            hessian = Hessian(sample.losses(model) if needed else [], self.parameters)
            tops = {"all": self._top(hessian, data.rng(self.step, START))}
            for name, members in self.groups.items():
                block = hessian.within([self.parameters[index] for index in members])
                tops[name] = self._top(block, data.rng(self.step, START))
        with self._timed("trace"):
            self.forms[task] = quadratic_forms(hessian, self.config.traces, data.rng(self.step, SIGNS))
        del hessian  # and the graphs that it holds
        with self._timed("fisher"):
            squares = sentence_squares(sample.sentence_losses(model), self.parameters)
            self.squares[task] = scale_to_tokens(squares, sample.tokens / sample.size)
        columns = {"all": list(range(len(self.parameters))), **self.groups}
        found = {
            name: entry(tops[name], self.forms[task][:, members].sum(1), self.squares[task][:, members].sum(1))
            for name, members in columns.items()
        }
        self._advance(f"curvature of {task}: λ {found['all']['lambda_max'] or math.nan:.4g}")
        return found

    def _total(self, gramians: Table) -> dict[str, Any] | None:
        """Σ α_n L_n over the measured tasks: its own top eigenvalue; traces are linear in α."""
        if self.weights is None:
            return None
        weights = {task: self.weights[task] for task in self.tasks}
        alpha = np.array(list(weights.values()))
        top = None
        if self.config.total and self.config.max_iterations:
            with self._timed("curvature"):
                parts = [(weights[task], self._sample(task).losses(self.analyzer.model)) for task in self.tasks]
                rng = np.random.default_rng([self.analyzer.seed, self.step, START])
                top = self._top(total_hessian(parts, self.parameters), rng)
            self._advance(f"curvature of the total: λ {top.value if top else math.nan:.4g}")
        forms = np.tensordot(alpha, np.stack([self.forms[task].sum(1) for task in self.tasks]), 1)
        fisher = [mean_and_error(self.squares[task].sum(1)) for task in self.tasks]
        return {
            **entry(top, forms, np.empty(0)),
            "fisher_trace": float(alpha @ [mean for mean, _ in fisher]),
            "fisher_error": math.sqrt(sum((a * error) ** 2 for a, (_, error) in zip(alpha, fisher, strict=True))),
            "weights": weights,
            "squared_gradient": float(np.einsum("i,sij,j->s", alpha, gramians, alpha).mean()),
        }

    def _top(self, hessian: Hessian, rng: np.random.Generator) -> TopEigenvalue | None:
        config = self.config
        if not config.max_iterations:
            return None
        start = random_start(sum(hessian.sizes), rng, self.parameters[0].device)
        if config.top > 1:
            return lanczos(hessian, start, config.top, config.max_iterations, config.tolerance)
        return power_iteration(hessian, start, config.max_iterations, config.tolerance)

    def _sample(self, task: str) -> Sample:
        """The batch of curvature."""
        return self.analyzer.data[task].draw(self.config.tokens, self.config.sentences, [self.step, CURVATURE])

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[part] += time.perf_counter() - started

    def _advance(self, note: str) -> None:
        self._done += 1
        self._watch(self._done, self._units, note)


def summarise_costs(record: Mapping[str, Any]) -> str:
    """What each part of a record cost, in one line."""
    seconds = record["seconds"]
    parts = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    return f"{sum(seconds.values()):.1f} s: {parts}"


def _gradient(losses: Sequence[Loss], parameters: Sequence[Tensor]) -> list[Tensor | None]:
    """The gradient of a sum of losses, one graph at a time."""
    total: list[Tensor | None] = [None] * len(parameters)
    for loss in losses:
        with torch.enable_grad():
            found = torch.autograd.grad(loss(), parameters, allow_unused=True)
        total = [b if a is None else a if b is None else a.add_(b) for a, b in zip(total, found, strict=True)]
    return total


def entry(top: TopEigenvalue | None, forms: Sequence[float] | Table, squares: Table) -> dict[str, Any]:
    """The curvature of one task over some parameters.

    Args:
        top: None where it was not measured.
        forms: Estimates of the trace, one a random vector.
        squares: Estimates of the Fisher trace, one a sentence.
    """
    trace, trace_error = mean_and_error(np.asarray(forms))
    fisher, fisher_error = mean_and_error(squares)
    several = {"eigenvalues": list(top.eigenvalues)} if top is not None and top.eigenvalues else {}
    return {
        "lambda_max": None if top is None else top.value,
        "residual": None if top is None else top.residual,
        "iterations": None if top is None else top.iterations,
        "converged": None if top is None else top.converged,
        **several,
        "trace": trace,
        "trace_error": trace_error,
        "fisher_trace": fisher,
        "fisher_error": fisher_error,
    }
