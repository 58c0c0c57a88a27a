"""Curvature and gradient similarity, measured while a run is training."""

import time

from catscale.analysis.analyzer import find_unconverged, summarise_costs
from catscale.training.objective_weights import objective_weights
from catscale.training.records.reporter import Reporter
from catscale.training.setup import TrainingSetup
from catscale.training.signals import InterruptFlag
from catscale.training.state import Progress


class _GivenUp(Exception):
    """A signal came."""


class LiveAnalysis:
    """Measures when due, on the first process, for which the others wait.

    Args:
        setup: The run's parts. Its balancer gives the weights of the total, its stream the shares of the tasks.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        self.analyzer, self.balancer, self.stream = setup.analyzer, setup.balancer, setup.stream
        self.processes = setup.processes

    def run(self, progress: Progress, reporter: Reporter, interrupt: InterruptFlag) -> float:
        """Measure after the present step, when due, and record it; returns the seconds that it took.

        A signal ends it at the next part: whoever stops a run may not wait for minutes. The checkpoint that is then
        saved gives the same record.
        """
        step = progress.step
        if self.analyzer is None or not self.analyzer.is_due(step):
            return 0.0

        def watch(done: int, total: int, note: str) -> None:
            if interrupt.is_set:
                raise _GivenUp
            reporter.advance(note)

        started = time.perf_counter()
        if self.processes.is_first:
            try:
                weights = objective_weights(self.balancer, self.stream, progress.update + 1)
                record = self.analyzer.measure(step, weights, watch)
                reporter.write("analysis", record)
                open_ends = ", ".join(find_unconverged(record))
                note = f"; λ not converged: {open_ends}" if open_ends else ""
                reporter.say(f"step {step}  analysis  {summarise_costs(record)}{note}")
            except _GivenUp:
                reporter.say(f"step {step}  analysis given up; `catscale analyze --steps {step}` makes up for it")
        self.processes.wait()
        return time.perf_counter() - started
