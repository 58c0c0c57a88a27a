"""What every method in the table promises; a new method is tested here by being listed."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from catscale import TaskBalancer
from catscale.balancing import METHODS, Method, Request, Signals, State
from catscale.training.checkpoint import flatten, unflatten

N = 5
STEPS = 40
HARD = ["plain", "zero", "one zero", "rank one", "aligned", "opposed", "huge", "tiny", "scales"]


@pytest.fixture(params=sorted(METHODS))
def method(request: pytest.FixtureRequest) -> Method:
    return METHODS[request.param]()


def gradients(kind: str, size: int, generator: torch.Generator) -> Tensor:
    rows = torch.randn(size, 8, generator=generator, dtype=torch.float64)
    factors = {
        "zero": 0.0,
        "huge": 1e15,
        "tiny": 1e-15,
        "one zero": (torch.arange(size) > 0).double()[:, None],
        "scales": 10 ** torch.linspace(-15, 15, size, dtype=torch.float64)[:, None],
    }
    if kind == "rank one":
        return rows[:1] * torch.linspace(1, 2, size, dtype=torch.float64)[:, None]
    if kind == "aligned":
        return rows[:1].repeat(size, 1)
    if kind == "opposed":
        return rows[:1] * (-1.0) ** torch.arange(size, dtype=torch.float64)[:, None]
    return rows * factors.get(kind, 1.0)


def trajectory(kind: str = "plain", seed: int = 0, size: int | None = None) -> list[Signals]:
    """STEPS random steps of `size`, or of any number of tasks."""
    generator = torch.Generator().manual_seed(seed)
    steps = []
    for _ in range(STEPS):
        present = size or int(torch.randint(1, N + 1, (), generator=generator))
        ids = torch.randperm(N, generator=generator)[:present]
        rows = gradients(kind, present, generator)
        losses = 9 * torch.rand(present, generator=generator, dtype=torch.float64)
        steps.append(Signals(ids, losses, rows @ rows.T))
    return steps


def show(request: Request, signals: Signals, known: Tensor | None) -> Signals:
    """The part of a step's signals that was asked for."""
    ids, losses, gramian = signals.task_ids, signals.losses, signals.gramian
    measured = {
        "nothing": {},
        "products": {"products": None if known is None else gramian @ known},
        "norms": {"norms": gramian.diagonal().sqrt()},
        "gramian": {"gramian": gramian},
    }
    return Signals(ids, losses, **measured[request.kind])


def follow(method: Method, steps: list[Signals], state: State | None = None) -> tuple[list[Tensor], State]:
    """Weights of every step, and the last state; G is shown only when it is asked for."""
    state = method.init(N) if state is None else state
    found = []
    for signals in steps:
        known = method.weights(state, signals.task_ids)
        shown = show(method.request(state), signals, known)
        weights, state = method.step(state, shown)
        if known is not None:
            assert weights.equal(known)
        found.append(weights)
    return found, state


def bits(state: State) -> dict[str, object]:
    values = {field.name: getattr(state, field.name) for field in fields(state)}
    return {k: (v.dtype, v.numpy().tobytes()) if isinstance(v, Tensor) else v for k, v in values.items()}


@pytest.mark.parametrize("kind", HARD)
def test_weights_have_their_shape_and_are_finite(method: Method, kind: str) -> None:
    steps = trajectory(kind)
    found, state = follow(method, steps)
    for signals, weights in zip(steps, found, strict=True):
        assert weights.shape == signals.task_ids.shape
        assert weights.dtype == torch.float64
        assert weights.isfinite().all()
        assert (weights >= 0).all()
        assert weights.sum() > 0
    json.dumps(method.describe(state))


def test_names_agree_with_the_table(method: Method) -> None:
    assert METHODS[method.name] is type(method)
    assert method.losses in {"tasks", "tokens"}


def test_relabelling_tasks_permutes_the_weights(method: Method) -> None:
    new_ids = torch.tensor([3, 1, 4, 0, 2])
    steps = trajectory()
    renamed = [Signals(new_ids[s.task_ids], s.losses, s.gramian) for s in steps]
    for one, two in zip(follow(method, steps)[0], follow(method, renamed)[0], strict=True):
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-12)


def test_the_order_of_rows_does_not_matter(method: Method) -> None:
    steps = trajectory()
    turned = [Signals(s.task_ids.flip(0), s.losses.flip(0), s.gramian.flip(0).flip(1)) for s in steps]
    for one, two in zip(follow(method, steps)[0], follow(method, turned)[0], strict=True):
        torch.testing.assert_close(one, two.flip(0), rtol=1e-9, atol=1e-12)


def test_one_task_alone(method: Method) -> None:
    for weights in follow(method, trajectory(size=1))[0]:
        assert weights.shape == (1,)
        assert weights > 0
    state = method.init(1)
    weights, _ = method.step(state, Signals(torch.tensor([0]), torch.ones(1), torch.ones(1, 1)))
    assert weights.shape == (1,)


def test_absent_tasks_keep_their_state(method: Method) -> None:
    _, state = follow(method, trajectory())
    for seed, signals in enumerate(trajectory(seed=1)):
        _, after = follow(method, [signals], state)
        absent = [i for i in range(N) if i not in signals.task_ids.tolist()]
        for field in fields(state):
            old, new = getattr(state, field.name), getattr(after, field.name)
            if isinstance(old, Tensor) and old.shape[:1] == (N,):
                assert old[absent].equal(new[absent]), (seed, field.name)
        state = after


def test_states_are_never_changed_in_place(method: Method) -> None:
    _, state = follow(method, trajectory())
    before = bits(state)
    follow(method, trajectory(seed=2), state)
    assert bits(state) == before


def test_same_inputs_same_result(method: Method) -> None:
    one, two = follow(method, trajectory()), follow(method, trajectory())
    assert all(a.equal(b) for a, b in zip(one[0], two[0], strict=True))
    assert bits(one[1]) == bits(two[1])


def test_inputs_are_left_alone(method: Method) -> None:
    steps, untouched = trajectory(), trajectory()
    follow(method, steps)
    for one, two in zip(steps, untouched, strict=True):
        assert one.task_ids.equal(two.task_ids)
        assert one.losses.equal(two.losses)
        assert one.gramian.equal(two.gramian)


@pytest.mark.parametrize("after", [0, 1, 13])
def test_state_survives_a_checkpoint_bit_for_bit(method: Method, after: int, tmp_path: Path) -> None:
    tasks = [f"en-{i}" for i in range(N)]
    one = TaskBalancer(method, tasks, [torch.nn.Parameter(torch.zeros(1))])
    _, one.state = follow(method, trajectory()[:after])
    tensors, rest = flatten({"balancer": one.state_dict()})
    save_file(tensors, tmp_path / "state.safetensors")
    (tmp_path / "state.json").write_text(json.dumps(rest))
    content = unflatten(load_file(tmp_path / "state.safetensors"), json.loads((tmp_path / "state.json").read_text()))
    two = TaskBalancer(method, tasks, [torch.nn.Parameter(torch.zeros(1))])
    two.load_state_dict(content["balancer"])
    assert bits(one.state) == bits(two.state)
    assert bits(follow(method, trajectory(seed=3), one.state)[1]) == bits(
        follow(method, trajectory(seed=3), two.state)[1]
    )


def test_settings_are_loadable_as_they_are_written(method: Method) -> None:
    assert type(method)(**json.loads(method.model_dump_json())) == method
