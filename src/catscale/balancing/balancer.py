"""The engine: runs a balancing method inside any PyTorch training loop."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from catscale.balancing.contract import Method, Signals, State
from catscale.balancing.gramian import gramian
from catscale.errors import CheckpointError, ConfigError, DivergedError

LossPart = Tensor | Callable[[], Tensor]
"""A scalar loss with its graph, or a function that computes one (so that one graph at a time is alive)."""
Loss = LossPart | Sequence[LossPart]
"""One loss of a task, or the parts that add up to it (gradient accumulation)."""
Row = list[Tensor | None]
"""One task's gradient, a tensor for each shared parameter, None where it is zero."""


@dataclass(frozen=True)
class BalancedStep:
    """What one call of `TaskBalancer.backward` saw and did.

    Attributes:
        losses: Loss a task, as optimised.
        weights: Weight a task that the gradients were combined with.
        gradient_norms: ‖g_n‖ a task, where the step measured the Gram matrix.
        curvature: ‖Σ w_n g_n‖² with these weights, where the step measured the Gram matrix.
    """

    losses: dict[str, float]
    weights: dict[str, float]
    gradient_norms: dict[str, float] | None = None
    curvature: float | None = None


class TaskBalancer:
    """Combines the gradients of several tasks by a balancing method's weights.

    Example:
        >>> theta = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
        >>> from catscale.balancing.fixed import Fixed
        >>> balancer = TaskBalancer(Fixed(task_weights=[1.0, 3.0]), tasks=["a", "b"], parameters=[theta])
        >>> step = balancer.backward({"a": theta[0] ** 2, "b": lambda: theta[1] ** 2})
        >>> theta.grad
        tensor([ 2., 12.])

    Args:
        method: Settings of a method, such as `CATS()`; see `catscale.balancing.contract.Method` for your own.
        tasks: Names of all N tasks; their order gives the task ids.
        parameters: The shared parameters, over which gradients are compared. Frozen ones are left out.

    Raises:
        ConfigError: If a task is named twice, or nothing is trainable.
    """

    def __init__(self, method: Method[Any], tasks: Iterable[str], parameters: Iterable[Tensor]) -> None:
        self.tasks = list(tasks)
        self.method = method.bind(self.tasks, []) if hasattr(method, "bind") else method
        self.parameters = list({id(p): p for p in parameters if p.requires_grad}.values())
        self._ids = {task: index for index, task in enumerate(self.tasks)}
        if len(self._ids) != len(self.tasks) or not self.tasks:
            raise ConfigError(f"tasks must be one or more different names, found {self.tasks}")
        if not self.parameters:
            raise ConfigError("no parameter is trainable; pass model.parameters() with requires_grad set")
        self.state: State = self.method.init(len(self.tasks))

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each task in a step that holds all of them, as the next step will use it.

        Not a number for a method whose weights depend on the coming step's gradients.
        """
        values = self.method.weights(self.state, torch.arange(len(self.tasks)))
        numbers = [float("nan")] * len(self.tasks) if values is None else values.tolist()
        return dict(zip(self.tasks, numbers, strict=True))

    def backward(self, losses: Mapping[str, Loss], scaler: "torch.amp.GradScaler | None" = None) -> BalancedStep:
        """Add Σ w_n g_n to `.grad`, as `(Σ w_n L_n).backward()` would, and move the method's state.

        Args:
            losses: The losses of the K ≤ N tasks of this step: scalar tensors with a graph, functions that return
                them, or sequences of either that add up to the task's loss.
            scaler: The gradient scaler of mixed precision; gradients are left scaled, as its `step` expects, and the
                method is shown unscaled ones.

        Returns:
            Losses and weights of the step.

        Raises:
            ConfigError: If a task is unknown or none is given.
            DivergedError: If a loss or a measured gradient is not finite; parameters and state are untouched, and
                `.grad` of the parameters is None. Under a scaler an overflow of the gradients is no error: `.grad`
                holds it, so that the scaler skips the step, and the state waits for the next one.
        """
        names = list(losses)
        unknown = [name for name in names if name not in self._ids]
        if unknown or not names:
            raise ConfigError(f"losses must be given for some of the tasks {self.tasks}, found {unknown or 'none'}")
        task_ids = torch.tensor([self._ids[name] for name in names])
        scale = 1.0 if scaler is None else float(scaler.scale(torch.ones((), device=self.parameters[0].device)))
        weights = self.method.weights(self.state, task_ids)
        parts = [_parts(losses[name]) for name in names]
        if weights is not None and self.method.request(self.state).kind == "nothing":
            values = _weighted_backward(parts, (weights * scale).tolist())
            self._check_finite(names, values)
            signals = Signals(task_ids, torch.tensor(values, dtype=torch.float64))
            weights, self.state = self.method.step(self.state, signals)
            return BalancedStep(_table(names, values), _table(names, weights.tolist()))
        skips = scaler is not None and scaler.is_enabled()
        return self._measured_backward(names, task_ids, parts, weights, scale, skips)

    def _measured_backward(
        self,
        names: list[str],
        task_ids: Tensor,
        parts: list[list[LossPart]],
        known: Tensor | None,
        scale: float,
        skips_overflow: bool,
    ) -> BalancedStep:
        """The step that holds every task's gradient, and combines them after the method has seen their products."""
        before = [parameter.grad for parameter in self.parameters]
        factors = [1.0] * len(names) if known is None else known.tolist()
        rows: list[Row] = []
        values: list[float] = []
        for part, factor in zip(parts, factors, strict=True):
            value, row = self._task_gradient(part, factor, scale, keep_graph=len(rows) + 1 < len(parts))
            values.append(value)
            rows.append(row)
        for parameter in self.parameters:  # held by the rows; an error from here on leaves no gradient behind
            parameter.grad = None
        self._check_finite(names, values)
        unit = torch.tensor([scale * (factor or 1.0) for factor in factors], dtype=torch.float64)
        products = gramian(rows) / torch.outer(unit, unit)
        if skips_overflow and not products.isfinite().all():
            self._combine(rows, (scale * torch.tensor(factors, dtype=torch.float64) / unit).tolist(), before)
            return BalancedStep(_table(names, values), _table(names, factors))
        self._check_finite(names, products.diagonal().tolist(), "gradient")
        signals = Signals(task_ids, torch.tensor(values, dtype=torch.float64), products)
        weights, self.state = self.method.step(self.state, signals)
        weights = weights.double().cpu()
        self._combine(rows, (weights * scale / unit).tolist(), before)
        norms = products.diagonal().clamp(min=0).sqrt().tolist()
        curvature = (weights @ products @ weights).item()
        return BalancedStep(_table(names, values), _table(names, weights.tolist()), _table(names, norms), curvature)

    def _task_gradient(self, part: list[LossPart], factor: float, scale: float, keep_graph: bool) -> tuple[float, Row]:
        """Loss and gradient of one task; the gradient carries `factor * scale`, or `scale` where the factor is 0.

        Parameters outside the shared ones (task heads) receive their weighted gradient, as in a plain step.
        """
        if factor == 0:
            return self._detached_gradient(part, scale, keep_graph)
        for parameter in self.parameters:
            parameter.grad = None
        values = []
        for index, item in enumerate(part):
            loss, keep = _evaluate(item, keep_graph or index + 1 < len(part))
            torch.autograd.backward(loss * (factor * scale), retain_graph=keep)
            values.append(loss.detach())
        return _total(values), [parameter.grad for parameter in self.parameters]

    def _detached_gradient(self, part: list[LossPart], scale: float, keep_graph: bool) -> tuple[float, Row]:
        """Gradient of a task of weight 0, which must reach no parameter outside the shared ones."""
        row: Row = [None] * len(self.parameters)
        values = []
        for index, item in enumerate(part):
            loss, keep = _evaluate(item, keep_graph or index + 1 < len(part))
            found = torch.autograd.grad(loss * scale, self.parameters, retain_graph=keep, allow_unused=True)
            # Copies: `grad` may return expanded tensors, and one tensor for two parameters.
            found = tuple(None if b is None else b.clone() for b in found)
            row = [b if a is None else a if b is None else a + b for a, b in zip(row, found, strict=True)]
            values.append(loss.detach())
        return _total(values), row

    def _combine(self, rows: list[Row], weights: list[float], before: Row) -> None:
        """Set `.grad` to what was there before plus the weighted sum of the rows."""
        for index, parameter in enumerate(self.parameters):
            total = before[index]
            for row, weight in zip(rows, weights, strict=True):
                gradient = row[index]
                if gradient is None:
                    continue
                total = gradient.mul_(weight) if total is None else total.add_(gradient, alpha=weight)
            parameter.grad = total

    def _check_finite(self, names: list[str], values: list[float], what: str = "loss") -> None:
        """Stop before anything moves."""
        for name, value in zip(names, values, strict=True):
            if value != value or value in (float("inf"), float("-inf")):
                for parameter in self.parameters:
                    parameter.grad = None
                raise DivergedError(
                    f"the {what} of task {name!r} must be finite, found {value}; lower the learning rate or look at "
                    "the data of that task"
                )

    def state_dict(self) -> dict[str, Any]:
        """The method's name, the tasks and the state: tensors, numbers and strings only."""
        values = {field.name: getattr(self.state, field.name) for field in fields(self.state)}
        # Copies: safetensors refuses tensors that share memory.
        state = {name: value.clone() if isinstance(value, Tensor) else value for name, value in values.items()}
        return {"method": self.method.name, "tasks": list(self.tasks), "state": state}

    def load_state_dict(self, content: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned, bit for bit.

        Raises:
            CheckpointError: If it belongs to another method or to other tasks.
        """
        if content["method"] != self.method.name or list(content["tasks"]) != self.tasks:
            raise CheckpointError(
                f"the saved balancer is {content['method']!r} over {content['tasks']}, "
                f"this one is {self.method.name!r} over {self.tasks}; build it with the same method and tasks"
            )
        current = {field.name: getattr(self.state, field.name) for field in fields(self.state)}
        saved = content["state"]
        wrong = sorted(n for n in current.keys() | saved.keys() if not _same_kind(current.get(n), saved.get(n)))
        if wrong:
            raise CheckpointError(
                f"the saved state of {self.method.name!r} does not fit, found {', '.join(wrong)} missing, unknown or "
                "of another shape; build the balancer with the settings and tasks it was saved with"
            )
        copied = {k: v.clone() if isinstance(v, Tensor) else v for k, v in saved.items()}
        self.state = type(self.state)(**copied)


def _same_kind(current: object, saved: object) -> bool:
    """Whether a saved value can stand in the place of the current one."""
    if isinstance(current, Tensor) and isinstance(saved, Tensor):
        return current.shape == saved.shape and current.dtype == saved.dtype
    return type(current) is type(saved)


def _evaluate(part: LossPart, shared: bool) -> tuple[Tensor, bool]:
    """The loss, and whether its graph must outlive its backward: only tensors share one with those that follow."""
    return (part, shared) if isinstance(part, Tensor) else (part(), False)


def _parts(loss: Loss) -> list[LossPart]:
    """The parts of one task's loss."""
    return [loss] if isinstance(loss, Tensor) or callable(loss) else list(loss)


def _weighted_backward(parts: list[list[LossPart]], weights: list[float]) -> list[float]:
    """Backward of the weighted sum; returns the K losses, unweighted.

    Functions are called and differentiated one by one; tensors, which may share a graph, all at once.
    """
    values: list[list[Tensor]] = [[] for _ in parts]
    shared: list[Tensor] = []
    for task_parts, weight, found in zip(parts, weights, values, strict=True):
        for part in task_parts:
            loss = part if isinstance(part, Tensor) else part()
            found.append(loss.detach())
            if isinstance(part, Tensor):
                shared.append(loss * weight)
            else:
                torch.autograd.backward(loss * weight)
    if shared:
        torch.autograd.backward(shared)
    return [_total(found) for found in values]


def _total(values: list[Tensor]) -> float:
    return float(torch.stack(values).sum(dtype=torch.float64))


def _table(names: list[str], values: list[float]) -> dict[str, float]:
    return dict(zip(names, values, strict=True))
