"""One record of the loss landscape, measured part by part.

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

from catscale.analysis.config import AnalysisConfig
from catscale.analysis.sample import Sample, TaskData
from catscale.balancing.engine.gramian import GradientRow, gramian
from catscale.balancing.engine.unbiased import signal_to_noise
from catscale.landscape.eigenvalues import TopEigenvalue, lanczos, power_iteration, random_start
from catscale.landscape.fisher import scale_to_tokens, sentence_squares
from catscale.landscape.gradients import sum_gradients
from catscale.landscape.hessian import Hessian, total_hessian
from catscale.landscape.similarity import summarise
from catscale.landscape.trace import mean_and_error, quadratic_forms
from catscale.model.contract import TranslationModel

Table = NDArray[np.float64]
PartWatch = Callable[[int, int, str], None]
"""Told what is done, out of how much, and what that was."""
CURVATURE, GRADIENTS, START, SIGNS = range(4)
"""The purposes of random numbers: part of their seeds."""


class Measurement:
    """One record in the making; `record` may be called once.

    Args:
        config: The measurements to make.
        model: The model in evaluation mode.
        data: The source of the sentences of each of the N tasks.
        groups: Numbers of the parameters of each group of modules.
        step: Decides which sentences are looked at.
        weights: α_n of the total by task; None leaves the total out.
        watch: Told of the progress.
    """

    def __init__(
        self,
        config: AnalysisConfig,
        model: TranslationModel,
        data: Mapping[str, TaskData],
        groups: Mapping[str, list[int]],
        step: int,
        weights: Mapping[str, float] | None,
        watch: PartWatch,
    ) -> None:
        self.config, self.model, self.data, self.step, self.weights = config, model, data, step, weights
        self.parameters, self.tasks = model.shared_parameters(), list(data)
        self.seconds = dict.fromkeys(("curvature", "trace", "fisher", "similarity"), 0.0)
        self.groups = groups
        self.curvature_groups = groups if config.groups else {}
        self.forms: dict[str, Table] = {}  # (traces, P) by task
        self.squares: dict[str, Table] = {}  # (sentences, P) by task, scaled
        has_total = weights is not None and self.config.total and self.config.max_iterations > 0
        self._watch, self._done = watch, 0
        self._units = self.config.steps * len(self.tasks) + len(self.tasks) + has_total

    def record(self, resources: Mapping[str, str]) -> dict[str, Any]:
        """Return everything that the settings ask for, without the step and the settings.

        Args:
            resources: "low", "mid" or "high" by task.
        """
        gramians, norms, signal = self._gramians()
        similarity = summarise(gramians, self.tasks, resources)
        curvature = {task: self._task(task) for task in self.tasks}
        return {
            "curvature": {task: entries["all"] for task, entries in curvature.items()},
            "total": self._total(gramians["all"]),
            "curvature_groups": {
                name: {task: curvature[task][name] for task in self.tasks} for name in self.curvature_groups
            }
            or None,
            **similarity,
            "gradient_norms": norms,
            "signal_to_noise": signal,
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
        }

    def _gramians(self) -> tuple[dict[str, Table], dict[str, float], dict[str, float] | None]:
        """Return the (S, N, N) Gram matrices by group, the mean of ‖g_n‖ over the batches, and the ratio of signal to
        noise in g_n, by task; None of one batch."""
        rows: dict[str, GradientRow] = {}
        crosses: dict[str, list[float]] = {task: [] for task in self.tasks}
        with self._timed("similarity"):
            steps = [self._gramian(number, rows, crosses) for number in range(self.config.steps)]
        found = {name: np.stack([tables[name] for tables in steps]) for name in steps[0]}
        squares = np.diagonal(found["all"], axis1=1, axis2=2)
        norms = np.sqrt(squares).mean(0).tolist()
        signal = None
        if len(steps) > 1:
            expected = torch.tensor(list(crosses.values()), dtype=torch.float64).mean(1)
            ratios = signal_to_noise(torch.from_numpy(squares.mean(0)), expected)
            signal = dict(zip(self.tasks, ratios.tolist(), strict=True))
        return found, dict(zip(self.tasks, norms, strict=True)), signal

    def _gramian(self, number: int, rows: dict[str, GradientRow], crosses: dict[str, list[float]]) -> dict[str, Table]:
        """Return the (N, N) Gram matrices over each group and over all parameters, on batch `number` of every task.

        Args:
            number: The batch, which no task has had before.
            rows: Gradients of the batch before by task, or none; one by one they give way to those of this batch.
            crosses: Takes the product of the two, by task.
        """
        for task in self.tasks:
            sample = self.data[task].draw(self.config.gradient_tokens, 0, [self.step, GRADIENTS, number])
            row = sum_gradients(sample.losses(self.model), self.parameters)
            if task in rows:
                crosses[task].append(gramian([rows[task], row])[0, 1].item())
            rows[task] = row
            self._advance(f"gradient {number + 1} of {task}")
        found = {}
        rest = set(range(len(self.parameters)))
        for name, members in self.groups.items():
            found[name] = gramian([[row[index] for index in members] for row in rows.values()]).numpy()
            rest -= set(members)
        others = gramian([[row[index] for index in sorted(rest)] for row in rows.values()]).numpy()
        return {"all": sum(found.values(), others), **found}

    def _task(self, task: str) -> dict[str, dict[str, Any]]:
        """Return the curvature of one task, over all parameters and by group."""
        sample, data = self._sample(task), self.data[task]
        with self._timed("curvature"):
            needed = self.config.max_iterations or self.config.traces
            hessian = Hessian(sample.losses(self.model) if needed else [], self.parameters)
            tops = self._tops(hessian, data)
        with self._timed("trace"):
            self.forms[task] = quadratic_forms(hessian, self.config.traces, data.rng(self.step, SIGNS))
        del hessian  # and the graphs that it holds
        with self._timed("fisher"):
            squares = sentence_squares(sample.sentence_losses(self.model), self.parameters)
            self.squares[task] = scale_to_tokens(squares, sample.tokens / sample.size)
        columns = {"all": list(range(len(self.parameters))), **self.curvature_groups}
        found = {
            name: entry(tops[name], self.forms[task][:, members].sum(1), self.squares[task][:, members].sum(1))
            for name, members in columns.items()
        }
        self._advance(f"curvature of {task}{_say(tops['all'])}")
        return found

    def _tops(self, hessian: Hessian, data: TaskData) -> dict[str, TopEigenvalue | None]:
        """Return the top eigenvalues of all parameters and of each group; a block shares the graphs and does not
        outlive this."""
        tops = {"all": self._top(hessian, data.rng(self.step, START))}
        for name, members in self.curvature_groups.items():
            block = hessian.within([self.parameters[index] for index in members])
            tops[name] = self._top(block, data.rng(self.step, START))
        return tops

    def _total(self, gramians: Table) -> dict[str, Any] | None:
        """Return the curvature of Σ α_n L_n over the measured tasks: its own top eigenvalue; traces are linear in α."""
        if self.weights is None:
            return None
        weights = {task: self.weights[task] for task in self.tasks}
        alpha = np.array(list(weights.values()))
        top = None
        if self.config.total and self.config.max_iterations:
            with self._timed("curvature"):
                parts = [(weights[task], self._sample(task).losses(self.model)) for task in self.tasks]
                rng = np.random.default_rng([next(iter(self.data.values())).seed, self.step, START])
                top = self._top(total_hessian(parts, self.parameters), rng)
            self._advance(f"curvature of the total{_say(top)}")
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
        """Return the batch of curvature."""
        return self.data[task].draw(self.config.tokens, self.config.sentences, [self.step, CURVATURE])

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[part] += time.perf_counter() - started

    def _advance(self, note: str) -> None:
        self._done += 1
        self._watch(self._done, self._units, note)


def _say(top: TopEigenvalue | None) -> str:
    return "" if top is None else f": λ {top.value:.4g}{'' if top.converged else ', not converged'}"


def entry(top: TopEigenvalue | None, forms: Sequence[float] | Table, squares: Table) -> dict[str, Any]:
    """Return the curvature of one task over some parameters.

    Args:
        top: None where it was not measured.
        forms: Estimates of the trace, one a random vector.
        squares: Estimates of the Fisher trace, one per sentence.
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
