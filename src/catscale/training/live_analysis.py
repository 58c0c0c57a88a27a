"""Curvature and gradient similarity, measured while a run is training."""

import time

from catscale.analysis.analyzer import Analyzer, find_unconverged, summarise_costs
from catscale.balancing import TaskBalancer
from catscale.distributed.processes import Processes
from catscale.system.console.progress import ProgressView
from catscale.training.objective_weights import objective_weights
from catscale.training.records.run_log import RunLog
from catscale.training.signals import InterruptFlag
from catscale.training.state import Progress
from catscale.training.stream import MixtureStream


class _GivenUp(Exception):
    """A signal came."""


class LiveAnalysis:
    """Measures where it is due; the first process does, and the others wait.

    Args:
        analyzer: None for never.
        balancer: Gives the weights of the total.
        stream: Gives the shares of the tasks.
        processes: Those that train together.
    """

    def __init__(
        self, analyzer: Analyzer | None, balancer: TaskBalancer, stream: MixtureStream, processes: Processes
    ) -> None:
        self.analyzer, self.balancer, self.stream, self.processes = analyzer, balancer, stream, processes

    def run(self, progress: Progress, log: RunLog, view: ProgressView, interrupt: InterruptFlag) -> float:
        """A record after the present step, where it is due; returns the seconds that it took.

        A signal ends it at the next part: whoever stops a run may not wait for minutes. The checkpoint that is then
        saved gives the same record.
        """
        step = progress.step
        if self.analyzer is None or not self.analyzer.is_due(step):
            return 0.0

        def watch(done: int, total: int, note: str) -> None:
            if interrupt.is_set:
                raise _GivenUp
            view.advance(step, note)

        started = time.perf_counter()
        if self.processes.is_first:
            try:
                weights = objective_weights(self.balancer, self.stream, step + 1)
                record = self.analyzer.measure(step, weights, watch)
                log.write("analysis", progress, record)
                open_ends = ", ".join(find_unconverged(record))
                note = f"; λ not converged: {open_ends}" if open_ends else ""
                view.say(f"step {step}  analysis  {summarise_costs(record)}{note}")
            except _GivenUp:
                view.say(f"step {step}  analysis given up; `catscale analyze --steps {step}` makes up for it")
        self.processes.wait()
        return time.perf_counter() - started
