"""The engine: runs a balancing method inside any PyTorch training loop, on one process or many."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from catscale.balancing.contract import Method, Request, Signals, State
from catscale.balancing.engine.arguments import ELSEWHERE, NEEDED, list_parameters, list_tasks
from catscale.balancing.engine.backward import GradientTaker
from catscale.balancing.engine.first_step import check_dense, check_graphs, warn_of_same_functions
from catscale.balancing.engine.groups import Groups
from catscale.balancing.engine.held_gradients import HeldGradients, Measured
from catscale.balancing.engine.losses import (
    Loss,
    Work,
    check_finite,
    check_names,
    check_repeated,
    check_tokens,
    list_parts,
)
from catscale.balancing.engine.method_state import read_state
from catscale.balancing.engine.ranks import Ranks
from catscale.balancing.engine.two_passes import TwoPasses, require_functions
from catscale.balancing.methods.table import METHODS
from catscale.errors import ConfigError
from catscale.system.misuse import describe, require_settings


@dataclass(frozen=True)
class BalancedStep:
    """The record of what one call of `TaskBalancer.backward` saw and did, over all processes.

    Attributes:
        losses: Loss per task, as optimised.
        weights: Weight a task that the gradients were combined with; its mean over the groups where they differ.
        gradient_norms: ‖g_n‖ a task, where the step measured it, over the parameters that it measured.
        curvature: ‖Σ w_n g_n‖² with these weights, where the step measured it over all shared parameters.
        skipped: Whether gradients overflowed under a gradient scaler, so that nothing moved.
    """

    losses: dict[str, float]
    weights: dict[str, float]
    gradient_norms: dict[str, float] | None = None
    curvature: float | None = None
    skipped: bool = False


class TaskBalancer:
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
        self._ids = {task: index for index, task in enumerate(self.tasks)}
        if module is not None and not isinstance(module, torch.nn.Module):
            raise ConfigError(f"module must be the model as you call it, found {describe(module)}; give the model")
        if across_ranks not in ("mean", "sum"):
            raise ConfigError(f"across_ranks must be mean or sum, found {across_ranks!r}")
        self.groups = Groups(self.parameters, groups)
        self.method = method.bind(self.tasks, self.groups.names) if hasattr(method, "bind") else method
        self.groups.members(getattr(self.method, "group", None))
        self._module = module
        self._ranks = Ranks(self.parameters, process_group)
        shared = {id(parameter) for parameter in self.parameters}
        others = None if module is None else [p for p in module.parameters() if p.requires_grad and id(p) not in shared]
        self._taker = GradientTaker(self.parameters, others, self._ranks)
        self.state: State = self.method.init(len(self.tasks))
        self._measures: Request = getattr(self.method, "measures", self.request)
        self._check_memory(self._measures)
        if self._measures.per_group:
            self.groups.partition()
        self._has_seen_graphs = self._has_seen_functions = self._is_running = False

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Say what to write in place of what other libraries' objects have.

            Raises:
                AttributeError: Always: this is asked for what is not there.
            """
            if name in ELSEWHERE:
                raise AttributeError(f"a TaskBalancer has no attribute {name!r}; {ELSEWHERE[name]}")
            return object.__getattribute__(self, name)  # raises what a property raised

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each task in a step that holds all of them, as the next step will use it.

        NaN for a method whose weights depend on the coming step's gradients.
        """
        values = self.method.weights(self.state, torch.arange(len(self.tasks)))
        numbers = [float("nan")] * len(self.tasks) if values is None else values.tolist()
        return dict(zip(self.tasks, numbers, strict=True))

    @property
    def request(self) -> Request:
        """The measurements of the next step."""
        return self.method.request(self.state)

    def backward(
        self,
        losses: Mapping[str, Loss],
        scaler: "torch.amp.GradScaler | None" = None,
        tokens: Mapping[str, float] | None = None,
    ) -> BalancedStep:
        """Add Σ w_n g_n to `.grad`, as `(Σ w_n L_n).backward()` would, and move the method's state.

        Args:
            losses: The losses of the K ≤ N tasks of this step: scalar tensors with a graph, functions that return
                them, or sequences of either that add up to the task's loss.
            scaler: The gradient scaler of mixed precision; gradients are left scaled, as its `step` expects, and the
                method is shown unscaled ones.
            tokens: Target tokens (or sentences) of each task on this process, by which its loss is a mean. A task of
                0 tokens counts as absent. Needed where processes hold unequal shares of a task.

        Returns:
            Losses and weights of the step.

        Raises:
            ConfigError: If a task is unknown or none is given, or a loss is no scalar with a graph.
            DivergedError: If a loss or a measured gradient is not finite, on any process; parameters and state are
                untouched, and `.grad` of the parameters is None. Under a scaler an overflow of the gradients is no
                error: `.grad` holds it, so that the scaler skips the step, and the state waits for the next one.
        """
        if self._is_running:
            raise ConfigError("backward was called inside one of its losses; return the loss, and call backward once")
        if scaler is not None and not (hasattr(scaler, "scale") and hasattr(scaler, "is_enabled")):
            raise ConfigError(
                f"scaler must be a torch.amp.GradScaler, found {describe(scaler)}; make one, or leave it out"
            )
        work = self._share_out(losses, tokens)  # an error here leaves gradients as they were
        self._check_forms(work)
        self._is_running = True
        try:
            with self._keep_ddp_still():
                return self._backward(work, scaler)
        except BaseException:
            self._taker.drop()
            raise
        finally:
            self._is_running = False

    def _check_forms(self, work: Work) -> None:
        """Refuse losses at once, in a form that a step that measures could not use.

        Raises:
            ConfigError: Saying which form it could.
        """
        if not self._has_seen_functions:
            warn_of_same_functions(work)
            self._has_seen_functions = len(work.names) > 1
        if self._has_seen_graphs or self._measures.kind == "nothing":
            return
        if self.low_memory:
            require_functions(work)
        check_graphs(work)
        self._has_seen_graphs = sum(len(parts) for parts in work.parts) > 1

    def _backward(self, work: Work, scaler: "torch.amp.GradScaler | None") -> BalancedStep:
        request, known = self.method.request(self.state), self.method.weights(self.state, work.task_ids)
        scale = 1.0 if scaler is None else float(scaler.scale(torch.ones((), device=self.parameters[0].device)))
        if request.kind == "nothing":
            return self._backward_at_once(work, known, scale, scaler is not None and scaler.is_enabled())
        self._check_memory(request)
        if request.kind == "products" and known is None:
            raise ConfigError(f"{self.method.name} asks for products, which need weights known before the step")
        if (request.group is not None and request.kind == "products") or (
            request.per_group and request.kind != "gramian"
        ):
            raise ConfigError(
                f"{self.method.name} asks for {request.kind} of {request.group or 'each group'}; products are measured "
                "over all shared parameters, and only Gram matrices a group at a time"
            )
        groups = self.groups.partition() if request.per_group else [self.groups.members(request.group)]
        if self.low_memory and known is not None:
            gradients: TwoPasses | HeldGradients = TwoPasses(self._taker, work, known, scale)
        else:
            gradients = HeldGradients(self._taker, work, known, scale, request, groups)
        measured = gradients.collect()
        losses = measured.signals.losses
        check_finite(work.names, losses, "loss")
        if scaler is not None and scaler.is_enabled() and not measured.finite_by_task().isfinite().all():
            weights = torch.ones_like(losses) if known is None else known
            gradients.combine(weights)
            return BalancedStep(_table(work.names, losses), _table(work.names, weights), skipped=True)
        check_finite(work.names, measured.finite_by_task(), "gradient")
        weights, following = self.method.step(self.state, measured.signals)
        weights = weights.double().cpu()
        gradients.combine(weights)
        result = _report(work, weights, measured)
        if not math.isfinite(self._taker.largest()):  # in a parameter that was not measured
            if scaler is not None and scaler.is_enabled():
                return replace(result, skipped=True)
            self._taker.blame(work)
        self.state = following
        return result

    def _check_memory(self, request: Request) -> None:
        """Refuse to measure without holding gradients what cannot be.

        Raises:
            ConfigError: If it was asked for.
        """
        if self.low_memory and request.kind != "nothing" and (request.kind != "products" or request.halves):
            raise ConfigError(
                f"low_memory cannot be used: {self.method.name} needs the gradients of all tasks at once, found a "
                f"request for {request.kind}{' of halves' if request.halves else ''}; choose statistics: products "
                "where the method has it, without unbiased, or leave low_memory out"
            )

    def _backward_at_once(self, work: Work, known: Tensor | None, scale: float, may_overflow: bool) -> BalancedStep:
        """Make a step that measures no gradient: one weighted backward pass."""
        if known is None:
            losses, graphs = self._taker.evaluate_all(work)
            check_finite(work.names, losses, "loss")
            known, following = self.method.step(self.state, Signals(work.task_ids, losses))
            self._taker.backward_all(work, graphs, known, scale)
        else:
            losses = self._taker.backward_weighted(work, known, scale)
            self._check_dense()
            check_finite(work.names, losses, "loss")
            known, following = self.method.step(self.state, Signals(work.task_ids, losses))
        if not math.isfinite(self._taker.largest()):
            if may_overflow:
                return BalancedStep(_table(work.names, losses), _table(work.names, known), skipped=True)
            self._taker.blame(work)
        self.state = following
        return BalancedStep(_table(work.names, losses), _table(work.names, known))

    def _check_dense(self) -> None:
        """Refuse sparse gradients of what a later step measures."""
        if self._measures.kind != "nothing":
            check_dense(self.parameters[index] for index in self.groups.members(self._measures.group))

    def _share_out(self, losses: Mapping[str, Loss], tokens: Mapping[str, float] | None) -> Work:
        """Return the tasks of the step over all processes, and this one's part of them."""
        check_names(losses, self.tasks, may_be_empty=self._ranks.size > 1)
        if tokens is not None:
            tokens = check_tokens(losses, tokens, self.tasks)
            losses = {name: loss for name, loss in losses.items() if tokens[name] > 0}
        parts = {name: list_parts(loss) for name, loss in losses.items()}
        parts = {name: found for name, found in parts.items() if found}
        check_repeated(parts)
        check_names(parts, self.tasks, may_be_empty=self._ranks.size > 1)
        if self._ranks.size == 1:
            task_ids = torch.tensor([self._ids[name] for name in parts])
            ones = [1.0] * len(parts)
            return Work(list(parts), task_ids, list(parts.values()), ones, ones, [len(p) for p in parts.values()])
        amounts, counts = torch.zeros(2, len(self.tasks), dtype=torch.float64)
        for name, found in parts.items():
            counts[self._ids[name]] = len(found)
            by_parts = len(found) if self.across_ranks == "sum" else 1
            amounts[self._ids[name]] = by_parts if tokens is None else tokens[name]
        totals, most = self._ranks.sum(amounts), self._ranks.maximum(counts)
        task_ids = totals.nonzero()[:, 0]
        names = [self.tasks[index] for index in task_ids.tolist()]
        check_names(dict.fromkeys(names, ()), self.tasks, may_be_empty=False)
        portions = (amounts / totals)[task_ids]
        shares = torch.ones_like(portions) if self.across_ranks == "sum" else portions
        mine = [parts.get(name, []) for name in names]
        work = Work(names, task_ids, mine, shares.tolist(), portions.tolist(), [len(found) for found in mine])
        return work.padded(most[task_ids].long().tolist()) if self._ranks.is_sharded else work

    @contextmanager
    def _keep_ddp_still(self) -> Iterator[None]:
        """Keep DistributedDataParallel from averaging gradients at every backward pass and broadcasting buffers at
        every forward pass, which unevenly spread tasks would break."""
        if not isinstance(self._module, DistributedDataParallel):
            yield
            return
        before = self._module.require_forward_param_sync
        self._module.require_forward_param_sync = False
        try:
            with self._module.no_sync():
                yield
        finally:
            self._module.require_forward_param_sync = before

    def state_dict(self) -> dict[str, Any]:
        """Return the method's name, the tasks and the state: tensors, numbers and strings only."""
        values = {field.name: getattr(self.state, field.name) for field in fields(self.state)}
        # Copies: safetensors refuses tensors that share memory.
        state = {name: value.clone() if isinstance(value, Tensor) else value for name, value in values.items()}
        return {"method": self.method.name, "tasks": list(self.tasks), "state": state}

    def load_state_dict(self, content: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned, bit for bit.

        Raises:
            CheckpointError: If it is nothing of the kind, belongs to another method or to other tasks, or holds numbers
                that no such state has.
        """
        self.state = read_state(content, self.method, self.tasks, self.state)


def _table(names: Sequence[str], values: Tensor) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def _report(work: Work, weights: Tensor, measured: Measured) -> BalancedStep:
    """Return a report of the step; its norms and curvature include the noise of the gradients."""
    curvature, squares = measured.curvature, measured.squares
    if curvature is None and measured.gramians is not None:
        rows = weights.expand(len(measured.gramians), -1)
        curvature = torch.einsum("pi,pij,pj->", rows, measured.gramians, rows).item()
    norms = None if squares is None else _table(work.names, squares.clamp(min=0).sqrt())
    mean = weights.mean(0) if weights.ndim == 2 else weights
    return BalancedStep(_table(work.names, measured.signals.losses), _table(work.names, mean), norms, curvature)
