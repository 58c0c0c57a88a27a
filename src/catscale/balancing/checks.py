"""Checks of a balancing method's contract, as functions that anyone can call on a method of their own.

    from catscale.balancing.checks import check_method
    check_method(MyMethod())

Class attributes narrow the promises: `signed` (single weights may be negative; False where a method does not have
it), `randomised` (the weights of three tasks or more depend on a random order, drawn for the ids; False) and
`precision` (the relative error of the weights' solver; 1e-6). `reads_losses` = False adds one: losses of a step that
measures nothing do not matter. `scale_of_weights` adds one: how the weights answer to
all gradients being s times as long, "free" (not at all) or "inverse" (1/s: the step's length does not change).

Legend: N tasks, K tasks in the step, P groups of parameters, D shared parameters.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from catscale.balancing.contract import Request, Signals, State
from catscale.balancing.engine.arguments import NEEDED
from catscale.balancing.engine.optional_members import bind_method, read_promises, reads_losses
from catscale.balancing.methods.table import METHODS
from catscale.system.misuse import require_settings
from catscale.system.promises import promise

N, D, STEPS = 5, 8, 24
GROUPS = {"first": slice(0, 3), "second": slice(3, D)}
HARD = ("plain", "zero", "one zero", "rank one", "aligned", "opposed", "huge", "tiny", "scales", "no loss", "lossy")


@dataclass(frozen=True)
class Step:
    """One step of a made-up training run.

    Attributes:
        task_ids: (K,) int64.
        losses: (K,) float64.
        gradients: (K, D) float64.
    """

    task_ids: Tensor
    losses: Tensor
    gradients: Tensor


def check_method(method: Any) -> None:
    """Try every promise of the contract.

    Args:
        method: Settings of a method, not yet bound to tasks.

    Raises:
        AssertionError: Names the first promise that is broken.
        ConfigError: If it is no instance with its settings.
    """
    require_settings(method, NEEDED, "balancing method", "CATS()", METHODS)
    for check in CHECKS:
        check(method)


def trajectory(kind: str = "plain", seed: int = 0, size: int | None = None) -> list[Step]:
    """Return STEPS random steps of `size` tasks, or of any number of them."""
    generator = torch.Generator().manual_seed(seed)
    steps = []
    for _ in range(STEPS):
        present = size or int(torch.randint(1, N + 1, (), generator=generator))
        ids = torch.randperm(N, generator=generator)[:present]
        rows = _gradients(kind, torch.randn(present, D, generator=generator, dtype=torch.float64))
        losses = 9 * torch.rand(present, generator=generator, dtype=torch.float64)
        steps.append(Step(ids, losses * {"no loss": 0.0, "lossy": 1e3}.get(kind, 1.0), rows))
    return steps


def _gradients(kind: str, rows: Tensor) -> Tensor:
    size = len(rows)
    if kind == "rank one":
        return rows[:1] * torch.linspace(1, 2, size, dtype=torch.float64)[:, None]
    if kind == "aligned":
        return rows[:1].repeat(size, 1)
    if kind == "opposed":
        return rows[:1] * (-1.0) ** torch.arange(size, dtype=torch.float64)[:, None]
    if kind == "one zero":
        return rows * (torch.arange(size) > 0).double()[:, None]
    if kind == "scales":
        return rows * 10 ** torch.linspace(-15, 15, size, dtype=torch.float64)[:, None]
    return rows * {"zero": 0.0, "huge": 1e15, "tiny": 1e-15}.get(kind, 1.0)


def signals_of(step: Step, request: Request, known: Tensor | None) -> Signals:
    """Return what a step shows to a method that asked for it, and no more."""
    rows = step.gradients
    gramian = products = norms = None
    if request.kind == "gramian":
        parts = [rows[:, columns] for columns in GROUPS.values()]
        gramian = torch.stack([part @ part.T for part in parts]) if request.per_group else rows @ rows.T
    elif request.kind == "products":
        if known is None:
            raise AssertionError("broken promise: products need weights that are known before the step")
        products = rows @ (known @ rows)
    elif request.kind == "norms":
        norms = rows.norm(dim=1)
    return Signals(step.task_ids, step.losses, gramian=gramian, products=products, norms=norms)


def follow(method: Any, steps: list[Step], state: State | None = None, n_tasks: int = N) -> tuple[list[Tensor], State]:
    """Return the weights of every step and the last state."""
    bound = bind_method(method, [f"task {i}" for i in range(n_tasks)], list(GROUPS))
    state = bound.init(n_tasks) if state is None else state
    found = []
    for step in steps:
        known = bound.weights(state, step.task_ids)
        request = bound.request(state)
        weights, state = bound.step(state, signals_of(step, request, known))
        promise(known is None or weights.equal(known), "`step` uses the weights that `weights` announced")
        shape = (len(GROUPS), len(step.task_ids)) if request.per_group else tuple(step.task_ids.shape)
        promise(tuple(weights.shape) == shape, f"weights have the shape {shape}, found {tuple(weights.shape)}")
        found.append(weights)
    return found, state


def bits(state: State) -> dict[str, object]:
    """Return the state's content, to be compared bit for bit."""
    values = {field.name: getattr(state, field.name) for field in fields(state)}
    return {
        k: (v.dtype, tuple(v.shape), v.contiguous().numpy().tobytes()) if isinstance(v, Tensor) else v
        for k, v in values.items()
    }


def check_name(method: Any) -> None:
    """Check that a method has a name and says what its losses are."""
    promise(isinstance(method.name, str) and method.name != "", "a method has a name")
    promise(method.losses in {"tasks", "tokens"}, f"`losses` is 'tasks' or 'tokens', found {method.losses!r}")


def check_weights(method: Any) -> None:
    """Check that weights are finite float64 numbers, not all 0, on hard inputs too, and ≥ 0 unless the method is
    `signed`."""
    for kind in HARD:
        found, state = follow(method, trajectory(kind))
        for weights in found:
            promise(weights.dtype == torch.float64, f"weights are float64, found {weights.dtype}")
            promise(bool(weights.isfinite().all()), f"weights are finite on {kind!r} inputs, found {weights.tolist()}")
            promise(bool(weights.any()), f"weights are not all 0 on {kind!r} inputs")
            if not read_promises(method).signed:
                promise(bool((weights >= 0).all()), f"weights are ≥ 0 on {kind!r} inputs, found {weights.tolist()}")
        json.dumps(method.describe(state))


def check_relabelling(method: Any) -> None:
    """Check that other ids for the same tasks permute the weights and nothing else."""
    new_ids = torch.tensor([3, 1, 4, 0, 2])
    # The order that a `randomised` method draws is no choice where there are two tasks.
    steps = trajectory(size=2 if read_promises(method).randomised else None)
    renamed = [Step(new_ids[s.task_ids], s.losses, s.gradients) for s in steps]
    for one, two in zip(follow(method, steps)[0], follow(method, renamed)[0], strict=True):
        promise(
            _is_close(method, one, two), f"relabelling tasks changes nothing, found {one.tolist()} and {two.tolist()}"
        )


def check_row_order(method: Any) -> None:
    """Check that the order of the tasks in a step does not matter."""
    steps = trajectory()
    turned = [Step(s.task_ids.flip(0), s.losses.flip(0), s.gradients.flip(0)) for s in steps]
    for one, two in zip(follow(method, steps)[0], follow(method, turned)[0], strict=True):
        same = _is_close(method, one, two.flip(-1))
        promise(same, f"the order of rows does not matter, found {one.tolist()} and, turned, {two.tolist()}")


def check_scale(method: Any) -> None:
    """Check that the weights answer to the gradients' common length as `scale_of_weights` says."""
    scale = read_promises(method).scale_of_weights
    if scale is None:
        return
    promise(scale in {"free", "inverse"}, f"`scale_of_weights` is 'free' or 'inverse', found {scale!r}")
    plain = follow(method, trajectory())[0]
    for factor in (1e-6, 1e-2, 1e6):
        longer = [Step(s.task_ids, s.losses, s.gradients * factor) for s in trajectory()]
        expected = factor if scale == "inverse" else 1.0
        for one, two in zip(plain, follow(method, longer)[0], strict=True):
            promise(
                _is_close(method, one, two * expected),
                f"weights are {scale} of the gradients' scale, found {one.tolist()}, and {two.tolist()} for {factor:g}",
            )


def check_unread_losses(method: Any) -> None:
    """Check that a method that claims not to read the losses of a step that measures nothing does not."""
    state = method.init(N)
    for step in [] if reads_losses(method) else trajectory(size=N):
        request = method.request(state)
        signals = signals_of(step, request, method.weights(state, step.task_ids))
        weights, following = method.step(state, signals)
        if request.kind == "nothing":
            found, moved = method.step(state, replace(signals, losses=torch.full_like(step.losses, torch.nan)))
            same = found.equal(weights) and bits(moved) == bits(following)
            promise(same, "`reads_losses` is False, and losses of a step that measures nothing move weights or state")
        state = following


def check_one_task(method: Any) -> None:
    """Check that a task alone in a step, or alone in the world, has a positive weight."""
    alone = [Step(torch.tensor([0]), s.losses, s.gradients) for s in trajectory(size=1)]
    for found in (follow(method, trajectory(size=1))[0], follow(method, alone, n_tasks=1)[0]):
        promise(all(bool((weights > 0).all()) for weights in found), "one task alone has a positive weight")


def check_absent_tasks(method: Any) -> None:
    """Check that the state of absent tasks, and of pairs with one, stays as it was."""
    _, state = follow(method, trajectory())
    for step in trajectory(seed=1):
        _, after = follow(method, [step], state)
        absent = torch.tensor([i for i in range(N) if i not in step.task_ids.tolist()], dtype=torch.int64)
        for field in fields(state):
            old, new = getattr(state, field.name), getattr(after, field.name)
            for axis in range(old.dim() if isinstance(old, Tensor) else 0):
                if old.shape[axis] == N:
                    same = _same_bits(old.index_select(axis, absent), new.index_select(axis, absent))
                    promise(same, f"absent tasks keep their state, but {field.name!r} has changed")
        state = after


def check_states_are_values(method: Any) -> None:
    """Check that a step makes a new state and leaves the old one alone."""
    _, state = follow(method, trajectory())
    before = bits(state)
    follow(method, trajectory(seed=2), state)
    promise(bits(state) == before, "states are never changed in place")


def check_inputs(method: Any) -> None:
    """Check that the signals are left alone."""
    steps, untouched = trajectory(), trajectory()
    follow(method, steps)
    for one, two in zip(steps, untouched, strict=True):
        same = one.task_ids.equal(two.task_ids) and one.losses.equal(two.losses) and one.gradients.equal(two.gradients)
        promise(same, "inputs are never changed in place")


def check_repeatability(method: Any) -> None:
    """Check that the same inputs give the same result wherever torch's global generator is, and leave it there."""
    with torch.random.fork_rng(devices=[]):
        one = follow(method, trajectory())
        torch.rand(7)
        before = torch.get_rng_state()
        two = follow(method, trajectory())
        promise(torch.get_rng_state().equal(before), "the global random generator is left alone")
    same = all(a.equal(b) for a, b in zip(one[0], two[0], strict=True)) and bits(one[1]) == bits(two[1])
    promise(same, "same inputs give the same result")


def check_round_trip(method: Any) -> None:
    """Check that a state survives a checkpoint bit for bit and continues as if nothing had happened."""
    for after in (0, 1, 13):
        _, state = follow(method, trajectory()[:after])
        values = {field.name: getattr(state, field.name) for field in fields(state)}
        tensors = {name: value.clone() for name, value in values.items() if isinstance(value, Tensor)}
        rest = {name: value for name, value in values.items() if not isinstance(value, Tensor)}
        read = type(state)(**load(save(tensors)), **json.loads(json.dumps(rest)))
        promise(bits(read) == bits(state), "a state holds tensors and numbers that survive a checkpoint")
        one, two = (follow(method, trajectory(seed=3), start) for start in (state, read))
        same = bits(one[1]) == bits(two[1]) and all(a.equal(b) for a, b in zip(one[0], two[0], strict=True))
        promise(same, "all that a method remembers is in its state")


def check_settings(method: Any) -> None:
    """Check that settings load as they are written."""
    promise(type(method)(**json.loads(method.model_dump_json())) == method, "settings survive JSON")


CHECKS: tuple[Callable[[Any], None], ...] = (
    check_name,
    check_weights,
    check_relabelling,
    check_row_order,
    check_scale,
    check_unread_losses,
    check_one_task,
    check_absent_tasks,
    check_states_are_values,
    check_inputs,
    check_repeatability,
    check_round_trip,
    check_settings,
)


def _is_close(method: Any, one: Tensor, two: Tensor) -> bool:
    return one.shape == two.shape and torch.allclose(one, two, rtol=read_promises(method).precision, atol=1e-9)


def _same_bits(one: Tensor, two: Tensor) -> bool:
    return one.contiguous().numpy().tobytes() == two.contiguous().numpy().tobytes()
