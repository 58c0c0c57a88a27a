"""LRA: by hand, whichever tasks are present, with and without a reference, and its rest."""

import pytest
import torch

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.lra import LRA, LRAState
from catscale.errors import ConfigError, DivergedError

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


def test_without_a_reference_weighted_gradients_end_at_the_mean_length() -> None:
    method = LRA(interval=1, inertia=0.5)
    state = method.init(3)
    norms = torch.tensor([1.0, 4.0, 10.0], dtype=torch.float64)
    for _ in range(60):
        weights, state = method.step(state, Signals(torch.arange(3), norms, norms=norms))
    assert (weights * norms).tolist() == pytest.approx([5.0, 5.0, 5.0])
    assert method.describe(state)["task_weights"] == pytest.approx([5.0, 1.25, 0.5])


def test_a_task_alone_keeps_its_weight_at_one_whatever_its_length() -> None:
    method = LRA(interval=1)
    state = method.init(1)
    for norm in (1e-9, 3.0, 1e9):
        _, state = method.step(state, Signals(torch.arange(1), torch.ones(1), norms=torch.tensor([norm])))
    assert state.values.tolist() == pytest.approx([1.0])


def test_a_reference_that_is_absent_or_without_gradient_moves_nothing() -> None:
    method = LRA(reference="a", interval=1, inertia=0.0).bind(["a", "b", "c"], [])
    for ids, norms in (([1, 2], [2.0, 5.0]), ([0, 2], [0.0, 5.0])):
        signals = Signals(torch.tensor(ids), torch.ones(2), norms=torch.tensor(norms))
        _, state = method.step(method.init(3), signals)
        assert state.values.tolist() == [1.0, 1.0, 1.0]
        assert state.steps == 1


def test_binding_leaves_the_settings_themselves_unbound() -> None:
    method = LRA(reference="b", interval=1)
    bound, other = method.bind(["a", "b"], []), method.bind(["b", "a"], [])
    signals = Signals(torch.arange(2), torch.ones(2), norms=torch.tensor([1.0, 2.0]))
    assert bound.step(bound.init(2), signals)[1].values.tolist() == pytest.approx([1.1, 1.0])
    assert other.step(other.init(2), signals)[1].values.tolist() == pytest.approx([1.0, 0.95])
    with pytest.raises(ConfigError, match=r"balancing.reference is 'b'; call bind"):
        method.step(method.init(2), signals)


def test_norms_are_asked_for_over_the_named_group_in_the_last_step_of_an_interval() -> None:
    method = LRA(group="decoder", interval=2)
    first, second = method.init(1), LRAState(torch.ones(1, dtype=torch.float64), steps=1)
    assert (method.request(first).kind, method.request(second)) == ("nothing", method.measures)
    assert (method.measures.kind, method.measures.group) == ("norms", "decoder")


def test_norms_that_are_not_finite_are_refused() -> None:
    method = LRA(interval=1)
    with pytest.raises(
        DivergedError, match=r"gradient norms must be finite, found \[inf\] for the tasks with ids \[1\]"
    ):
        method.step(method.init(2), Signals(torch.tensor([1]), torch.ones(1), norms=torch.tensor([torch.inf])))
