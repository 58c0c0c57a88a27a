"""LRA: by hand, whichever tasks are present, with and without a reference, and its rest."""

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.lra import LRA
from catscale.errors import ConfigError

TASKS = [f"task {n}" for n in range(N)]


@pytest.mark.parametrize("reference", [None, 2])
def test_by_hand_whichever_tasks_are_present(reference: int | None) -> None:
    method = LRA(reference=None if reference is None else TASKS[reference], inertia=0.7, interval=2).bind(TASKS, [])
    state = method.init(N)
    values = [1.0] * N
    for index, step in enumerate(trajectory()):
        ids = step.task_ids.tolist()
        norms = {n: float(row.norm()) for n, row in zip(ids, step.gradients, strict=True)}
        shown = step.gradients.norm(dim=1) if method.request(state).kind == "norms" else None
        weights, state = method.step(state, Signals(step.task_ids, step.losses, norms=shown))
        assert weights.tolist() == pytest.approx([values[n] for n in ids])
        if index % 2 and (reference is None or reference in ids):
            aim = sum(norms.values()) / len(norms) if reference is None else norms[reference]
            for n in ids:
                values[n] = 0.7 * values[n] + 0.3 * aim / norms[n]
    assert max(values) > 1.1


def test_weighted_gradients_end_at_the_reference_s_length() -> None:
    method = LRA(reference="b", interval=1).bind(["a", "b"], [])
    state = method.init(2)
    norms = torch.tensor([100.0, 2.0], dtype=torch.float64)
    for _ in range(200):
        weights, state = method.step(state, Signals(torch.arange(2), norms, norms=norms))
    assert (weights * norms).tolist() == pytest.approx([2.0, 2.0], rel=1e-6)


def test_tasks_without_gradient_keep_their_weights() -> None:
    method = LRA(interval=1, inertia=0.0)
    _, state = method.step(method.init(2), Signals(torch.arange(2), torch.ones(2), norms=torch.tensor([0.0, 4.0])))
    assert state.values.tolist() == [1.0, 0.5]


def test_an_unknown_reference_and_an_unbound_one_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"balancing.reference must be one of the tasks a, b, found 'x'; name one"):
        LRA(reference="x").bind(["a", "b"], [])
    with pytest.raises(ConfigError, match=r"balancing.reference is 'a'; call bind\(tasks, groups\) before"):
        LRA(reference="a").step(LRA().init(1), Signals(torch.arange(1), torch.ones(1), norms=torch.ones(1)))
