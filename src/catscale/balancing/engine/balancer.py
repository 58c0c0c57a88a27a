"""The engine: runs a balancing method inside any PyTorch training loop, on one process or many."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor

from catscale.balancing.contract import Method, Request, State
from catscale.balancing.engine.arguments import NEEDED, Advised, check_scaler, check_spread, list_parameters, list_tasks
from catscale.balancing.engine.backward import GradientTaker
from catscale.balancing.engine.balanced_step import BalancedStep, GradientMeasurement
from catscale.balancing.engine.ddp import ddp_kept_still
from catscale.balancing.engine.deferred_step import DeferredStep, can_defer
from catscale.balancing.engine.forms import FirstSteps
from catscale.balancing.engine.groups import ParameterGroups
from catscale.balancing.engine.losses import MixedLoss, TaskLoss, Work, list_mixed
from catscale.balancing.engine.method_state import read_state
from catscale.balancing.engine.optional_members import bind_method, read_group, read_measures
from catscale.balancing.engine.ranks import Ranks
from catscale.balancing.engine.reading import Report
from catscale.balancing.engine.repetition import Repetition
from catscale.balancing.engine.requests import check_memory
from catscale.balancing.engine.sharing import StepPlan, share_out
from catscale.balancing.engine.step_taker import StepTaker
from catscale.balancing.methods.table import METHODS
from catscale.errors import ConfigError
from catscale.system.misuse import require_settings
from catscale.system.reading.saved_state import save_state

Ran = TypeVar("Ran")


class TaskBalancer(Advised):
    """Combines the gradients of several tasks by a balancing method's weights.

    Under `torch.distributed` every process calls `backward` at every step, with the tasks it has data for; losses,
    statistics and gradients are those of all processes together, and the weights are the same everywhere. The
    processes' gradients are summed here: DistributedDataParallel's own averaging is switched off during the step. A
    model sharded by `fully_shard` computes in step: where a process lacks a task or a part that another one has, one
    of its own losses is computed once more and counts nothing, which needs losses as functions, at least one task on
    every process, and all tasks to use the same sharded parameters.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        >>> from catscale.balancing.methods.fixed import Fixed
        >>> balancer = TaskBalancer(Fixed(task_weights=[1.0, 3.0]), tasks=["a", "b"], parameters=[theta])
        >>> step = balancer.backward({"a": theta[0] ** 2, "b": lambda: theta[1] ** 2})
        >>> theta.grad
        tensor([ 2., 12.])

    Args:
        method: Settings of a method, such as `CATS()`; see `catscale.balancing.contract.Method` for your own.
        tasks: Names of all N tasks; their order gives the task ids.
        parameters: The shared parameters, over which gradients are compared. Frozen ones are left out. Others, such
            as the heads of single tasks, receive the gradient of the weighted losses, of the unweighted ones where a
            method finds its weights from the gradients of the step itself.
        groups: Named groups of the shared parameters, for methods that measure one of them or weight each by itself.
        low_memory: Hold no gradient of a single task: products with the combined gradient come from a second pass
            through the losses, which must be functions, on the random numbers of the first. For methods that ask for
            no more than these products, such as `CATS(statistics="products")`.
        module: The model, where the run is distributed: it says which parameters beside the shared ones are to be
            summed over the processes, and DistributedDataParallel keeps its hands off during `backward`.
        process_group: The processes; None for all.
        across_ranks: "mean" takes a task's loss as the mean of the processes' losses, in proportion to `tokens`
            where they are given; "sum" adds them up, for losses that were divided by global counts before.

    Raises:
        ConfigError: If a task is named twice, nothing is trainable, or groups or parameters do not fit.
    """

    def __init__(
        self,
        method: Method[Any],
        tasks: Iterable[str],
        parameters: Iterable[Tensor],
        *,
        groups: Mapping[str, Iterable[Tensor]] | None = None,
        low_memory: bool = False,
        module: torch.nn.Module | None = None,
        process_group: "torch.distributed.ProcessGroup | None" = None,
        across_ranks: str = "mean",
    ) -> None:
        require_settings(method, NEEDED, "balancing method", "CATS()", METHODS)
        self.tasks = list_tasks(tasks)
        self.parameters = list_parameters(parameters)
        self.low_memory, self.across_ranks = low_memory, across_ranks
        check_spread(module, across_ranks)
        self.groups = ParameterGroups(self.parameters, groups)
        self.method = bind_method(method, self.tasks, self.groups.names)
        self.groups.members(read_group(self.method))
        self._module = module
        self._ranks = Ranks(self.parameters, process_group)
        shared = {id(parameter) for parameter in self.parameters}
        others = None if module is None else [p for p in module.parameters() if p.requires_grad and id(p) not in shared]
        self._taker = GradientTaker(self.parameters, others, self._ranks, module)
        self.state: State = self.method.init(len(self.tasks))
        self._measures = read_measures(self.method, self.request)
        check_memory(self.method.name, self._measures, self.low_memory)
        if self._measures.per_group:
            self.groups.partition()
        self._steps = StepTaker(self._taker, self.groups, self.low_memory, self._measures)
        self._first_steps, self._is_running = FirstSteps(self._measures, self.low_memory), False
        self._latest: Repetition | None = None

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each task in a step that holds all of them, as the next step will use it.

        NaN for a method whose weights depend on the coming step's gradients.
        """
        values = self.method.weights(self.state, torch.arange(len(self.tasks)))
        numbers = [float("nan")] * len(self.tasks) if values is None else values.tolist()
        return dict(zip(self.tasks, numbers, strict=True))

    def use_metric_of(self, optimizer: "torch.optim.Optimizer") -> None:
        """Take the metric of gradients from the optimiser that moves the parameters, for methods that ask for Adam's.

        Args:
            optimizer: AdamW or the like, over all shared parameters. Before its first update the metric is Euclidean.

        Raises:
            ConfigError: If it is no optimiser.
        """
        self._steps.metric.follow(optimizer)

    @property
    def request(self) -> Request:
        """The measurements of the next step."""
        return self.method.request(self.state)

    def backward(
        self,
        losses: Mapping[str, TaskLoss],
        scaler: "torch.amp.GradScaler | None" = None,
        tokens: Mapping[str, float] | None = None,
        batch: MixedLoss | Sequence[MixedLoss] | None = None,
        report: Report | None = None,
        measured: GradientMeasurement | None = None,
        plan: StepPlan | None = None,
    ) -> BalancedStep:
        """Add Σ w_n g_n to `.grad`, as `(Σ w_n L_n).backward()` would, and move the method's state.

        Args:
            losses: The losses of the K ≤ N tasks of this step: scalar tensors with a graph, functions that return
                them, or sequences of either that add up to the task's loss.
            scaler: The gradient scaler of mixed precision; gradients are left scaled, as its `step` expects, and the
                method is shown unscaled ones.
            tokens: Target tokens (or sentences) of each task on this process, by which its loss is a mean. A task of
                0 tokens counts as absent. Needed where processes hold unequal shares of a task.
            batch: A function that returns the losses of all these tasks from one forward of a mixed batch, {task:
                scalar tensor}, or several that add up. It is taken in place of `losses` in steps that measure no
                gradient, which then are one pass over all tasks, and may leave out tasks that other functions have.
                An `OwnedBatch` is taken in steps that measure all parameters too, where its graph tells.
            report: A function that returns more numbers, called after the losses, to be summed and read with them.
            measured: The gradients that `measure` found, for the method; the step then measures nothing itself.
            plan: The step over all processes, where each knows it; None to ask them.

        Raises:
            ConfigError: If a task is unknown or none is given, or a loss is no scalar with a graph.
            DivergedError: If a loss or a measured gradient is not finite, on any process; parameters and state are
                untouched, and `.grad` of the parameters is None. Under a scaler an overflow of the gradients is no
                error: it stays in `.grad`, so that the scaler skips the step, and the state waits for the next one.
        """
        check_scaler(scaler)
        work = self._begin(losses, tokens, batch, plan)
        taken = self._run(lambda: self._steps.take(self.method, self.state, work, scaler, report, measured))
        if taken.following is not None:  # it was not skipped
            self.state, self._latest = taken.following, taken.repetition
        return taken.seen

    @property
    def may_defer(self) -> bool:
        """Whether the next step may be one of `backward_deferred`: nothing of it decides what comes after it."""
        return can_defer(self.method, self.state, torch.arange(len(self.tasks)))

    def backward_deferred(
        self,
        losses: Mapping[str, TaskLoss],
        tokens: Mapping[str, float] | None = None,
        batch: MixedLoss | Sequence[MixedLoss] | None = None,
        report: Report | None = None,
        plan: StepPlan | None = None,
    ) -> DeferredStep:
        """Do what `backward` does, without waiting for the device; for steps that `may_defer`.

        Args:
            losses, tokens, batch, report, plan: As for `backward`.

        Returns:
            The step, whose `read` gives the report, best after the next step was begun, and raises a DivergedError
            where a loss or gradient is not finite: `.grad` is then not, and `spoilt` tells the optimiser, on the
            device. The state has moved on in any case.

        Raises:
            ConfigError: As by `backward`; if the step measures gradients, or its weights depend on its losses.
        """
        work = self._begin(losses, tokens, batch, plan)
        taken = self._run(lambda: self._steps.take_deferred(self.method, self.state, work, report))
        seen, self.state, self._latest = taken
        return seen

    def _begin(
        self,
        losses: Mapping[str, TaskLoss],
        tokens: Mapping[str, float] | None,
        batch: MixedLoss | Sequence[MixedLoss] | None,
        plan: StepPlan | None,
    ) -> Work:
        """Return the work of a step; an error leaves gradients as they were."""
        if self._is_running:
            raise ConfigError("backward was called inside one of its losses; return the loss, and call backward once")
        work = share_out(losses, tokens, self.tasks, self._ranks, self.across_ranks, list_mixed(batch), plan)
        self._first_steps.check(work)
        return work

    def _run(self, take: Callable[[], Ran]) -> Ran:
        """Return what a step gives; an error drops its gradients."""
        self._is_running, self._latest = True, None
        try:
            with ddp_kept_still(self._module):
                return take()
        except BaseException:
            self._taker.step.drop()
            raise
        finally:
            self._is_running = False

    def measure(
        self,
        losses: Mapping[str, TaskLoss],
        tokens: Mapping[str, float] | None = None,
        plan: StepPlan | None = None,
    ) -> GradientMeasurement:
        """Measure the gradients that the coming step asks for on other losses than the step's; `.grad` stays as it is.

        A larger batch, held-out data, or the model in evaluation mode, where the gradients of a step are mostly noise.
        For steps in which `request` asks for something.

        Args:
            losses, tokens, plan: As for `backward`, of any of the N tasks. Two parts or more of each are compared for
                the ratio of signal to noise.

        Returns:
            What `backward` takes as `measured`.

        Raises:
            ConfigError: If the step asks for nothing, or for a matrix of each group of parameters.
            DivergedError: If a loss or gradient is not finite.
        """
        work = share_out(losses, tokens, self.tasks, self._ranks, self.across_ranks, (), plan)
        with ddp_kept_still(self._module):
            return self._steps.measure(self.method, self.state, work)

    def repeat(
        self,
        losses: Mapping[str, TaskLoss],
        scaler: "torch.amp.GradScaler | None" = None,
        tokens: Mapping[str, float] | None = None,
        batch: MixedLoss | Sequence[MixedLoss] | None = None,
        plan: StepPlan | None = None,
    ) -> BalancedStep:
        """Add Σ w_n g_n to `.grad` at parameters that have moved, with the weights of the `backward` before.

        The method's state stays. For optimisers that look at the step's objective in a second place, such as
        sharpness-aware minimisation.

        Args:
            losses: The losses of the call before, computed anew.
            scaler, tokens, batch, plan: As for `backward`.

        Returns:
            Losses at these parameters, and the weights.

        Raises:
            ConfigError, DivergedError: As by `backward`; if none came before or it was skipped, or tasks are others.
        """
        if self._latest is None:
            raise ConfigError("repeat has no weights: backward was not called before, or was skipped; call it first")
        method, state, latest = self.method, self.state, self._latest
        # Without held gradients, a step that measures is a plain one and a second pass, which would tell nothing.
        self.method = replace(latest, wants=Request()) if self.low_memory else latest
        try:
            return self.backward(losses, scaler, tokens, batch if latest.is_joined else None, plan=plan)
        finally:
            self.method, self.state, self._latest = method, state, latest

    def state_dict(self) -> dict[str, Any]:
        """Return the method's name, the tasks and the state: tensors, numbers and strings only."""
        return save_state(self.method.name, self.tasks, self.state)

    def load_state_dict(self, content: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned, bit for bit.

        Raises:
            CheckpointError: If it is nothing of the kind, belongs to another method or to other tasks, or holds numbers
                that no such state has.
        """
        self.state = read_state(content, self.method, self.tasks, self.state)
