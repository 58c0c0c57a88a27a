"""A step's tasks one by one: the same masks, no trace in the random numbers, and any balancing method around them."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catscale.balancing import METHODS, Signals
from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.cats_state import CATSState
from catscale.balancing.methods.fixed import Fixed
from catscale.errors import DivergedError
from catscale.optimisation.flat import FMTL, TaskwiseSettings
from catscale.optimisation.sam_repeated import RepeatedSAM
from catscale.optimisation.samo import SAMO
from tests.training.two_tasks import TASKS, Net, prepare

START: dict[str, Any] = {"from": 0.0, "rho": 0.3}
RHO = 0.3


def flat_of(net: Net) -> Tensor:
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])


def rows(net: Net, rho: float) -> tuple[Tensor, Tensor]:
    """Return (2, D) g and h, slowly, for a net without dropout in float64."""
    parameters, found = list(net.parameters()), []
    for task in TASKS:
        g = torch.autograd.grad(net.loss(task), parameters)
        norm = torch.cat([part.flatten() for part in g]).norm()
        other = Net(0.0, torch.float64)
        with torch.no_grad():
            for one, two, step in zip(other.parameters(), parameters, g, strict=True):
                one.copy_(two + rho * step / norm)
        sharp = torch.autograd.grad(other.loss(task), list(other.parameters()))
        found.append([torch.cat([part.flatten() for part in parts]) for parts in (g, sharp)])
    plain, above = (torch.stack([pair[side] for pair in found]) for side in (0, 1))
    return plain, above - plain


def weights_of(method: Any, vectors: Tensor, losses: Tensor) -> Tensor:
    """Return A's weights for vectors, from its first state."""
    weights, _ = method.step(method.init(2), Signals(torch.arange(2), losses, gramian=vectors @ vectors.T))
    found: Tensor = weights
    return found


@pytest.mark.parametrize("name", ["mgda", "cagrad", "nash_mtl"])
def test_the_gradients_and_the_flat_directions_have_weights_of_their_own(name: str) -> None:
    """A(g) + A(h) from both Gram matrices; the state moves once, by the g_n."""
    method = METHODS[name]()
    net, descent = prepare(method, 0.0, torch.float64)
    g, h = rows(net, RHO)
    losses = torch.stack([net.loss(task).detach() for task in TASKS])
    FMTL(**START).combine(descent.apart(), 1)
    expected = weights_of(method, g, losses) @ g + weights_of(method, h, losses) @ h
    torch.testing.assert_close(flat_of(net), expected, rtol=1e-5, atol=1e-9)
    _, other = prepare(method, 0.0, torch.float64)
    other()
    assert str(descent.balancer.state) == str(other.balancer.state)


def test_repeated_tasks_keep_the_weights_of_the_point_itself() -> None:
    method = METHODS["mgda"]()
    net, descent = prepare(method, 0.0, torch.float64)
    g, h = rows(net, 0.3 * 0.15**0.5)  # ρ √((2.5 − 1) / 10)
    RepeatedSAM(**START).combine(descent.apart(), 1)
    torch.testing.assert_close(flat_of(net), weights_of(method, g, torch.ones(2)) @ (g + h), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("inner_steps", [1, 2])
def test_cats_weights_both_and_moves_once(inner_steps: int) -> None:
    """In a step that measures, and in one that does not, which is linear."""
    net, descent = prepare(CATS(inner_steps=inner_steps, losses="tokens"), 0.0, torch.float64)
    g, h = rows(net, RHO)
    tasks = descent.apart()
    assert tasks.is_linear == (inner_steps == 2)
    seen = FMTL(**START).combine(tasks, 1)
    torch.testing.assert_close(flat_of(net), (g + h).sum(0), rtol=1e-6, atol=1e-12)
    assert seen.losses == pytest.approx({task: net.loss(task).item() for task in TASKS})
    assert (seen.curvature is None) == (inner_steps == 2)
    assert isinstance(descent.balancer.state, CATSState)
    assert descent.balancer.state.steps == 1


def test_passes_have_one_mask_a_task_and_a_step_leaves_the_random_numbers_as_a_plain_one_does() -> None:
    net, plain = prepare(Fixed())
    plain()
    after, whole = torch.get_rng_state(), flat_of(net)
    net, descent = prepare(Fixed())
    tasks = descent.apart()
    first = {task: tasks.gradient(task) for task in TASKS}
    assert torch.get_rng_state().equal(after)
    for task in reversed(TASKS):
        assert all(torch.equal(a, b) for a, b in zip(first[task], tasks.gradient(task), strict=True) if a is not None)
    assert torch.get_rng_state().equal(after)
    assert all(p.grad is None for p in net.parameters())
    tasks.combine({task: partial(first.__getitem__, task) for task in TASKS})
    torch.testing.assert_close(flat_of(net), whole)


def test_a_loss_alone_is_without_dropout_and_leaves_no_trace() -> None:
    net, descent = prepare(Fixed())
    net.extra = nn.Dropout(0.5).eval()
    tasks, before = descent.apart(), torch.get_rng_state()
    assert tasks.loss("b") == tasks.loss("b")
    assert torch.get_rng_state().equal(before)
    assert (net.training, net.dropout.training, net.extra.training) == (True, True, False)
    net.eval()
    assert tasks.loss("b") == net.loss("b").item()


class Spoilt:
    """The loss of b, infinite in one of its calls."""

    def __init__(self, net: Net, number: int) -> None:
        self.net, self.left = net, number

    def __call__(self) -> Tensor:
        self.left -= 1
        return self.net.loss("b") * (1.0 if self.left else float("inf"))


@pytest.mark.parametrize("settings", [FMTL(**START), RepeatedSAM(**START), SAMO(**START)], ids=lambda found: found.name)
@pytest.mark.parametrize("name", ["fixed", "mgda"])
def test_a_failure_leaves_parameters_and_state(settings: TaskwiseSettings, name: str) -> None:
    net, descent = prepare(METHODS[name]())
    optimizer = settings.build(dict(net.named_parameters()))
    before, state = [p.detach().clone() for p in net.parameters()], descent.balancer.state
    for number in (1, 2):
        descent.prepared.losses["b"] = [Spoilt(net, number)]
        with pytest.raises(DivergedError, match=r"the (loss|gradient) of task 'b' must be finite"):
            settings.take(optimizer, descent, 1)
        optimizer.zero_grad(set_to_none=True)
        assert all(torch.equal(p, b) for p, b in zip(net.parameters(), before, strict=True))
        assert descent.balancer.state is state
        assert not optimizer.state


def test_a_gradient_that_is_not_finite_names_its_task() -> None:
    net, descent = prepare(Fixed())
    descent.prepared.losses["a"] = [lambda: (net.layer.weight * 0).sum().sqrt()]
    with pytest.raises(DivergedError, match="the gradient of task 'a' must be finite, found nan"):
        descent.apart().gradient("a")


def test_the_parts_of_a_task_add_up() -> None:
    _, descent = prepare(Fixed(), 0.0)
    once = descent.apart().gradient("a")
    descent.prepared.losses["a"] *= 2
    twice = descent.apart().gradient("a")
    assert all(
        torch.equal(2 * one, two) for one, two in zip(once, twice, strict=True) if one is not None and two is not None
    )
    assert descent.apart().epochs("a") == 2.5


def test_a_task_without_sub_batches_here_has_no_gradient_and_a_loss_of_zero() -> None:
    _, descent = prepare(Fixed())
    del descent.prepared.losses["b"]
    tasks = descent.apart()
    assert list(tasks.tasks) == ["a", "b"]
    assert not any(part is not None and part.any() for part in tasks.gradient("b"))
    assert tasks.loss("b") == 0


def test_vectors_of_any_kind_are_added_with_the_method_s_weights() -> None:
    """With fixed weights Σ v_n; what is in `.grad` stays, and each function is called once."""
    net, descent = prepare(Fixed(), 0.0, torch.float64)
    tasks = descent.apart()
    for task in TASKS:
        tasks.gradient(task)
    calls: list[str] = []
    shapes = [parameter.shape for parameter in tasks.parameters]

    def vector(task: str) -> list[Tensor]:
        calls.append(task)
        return [torch.full(shape, 2.0 if task == "a" else 0.5, dtype=torch.float64) for shape in shapes]

    seen = tasks.combine({task: partial(vector, task) for task in reversed(TASKS)})
    assert sorted(calls) == ["a", "b"]
    assert flat_of(net).tolist() == [2.5] * 28
    assert seen.losses == pytest.approx({task: net.loss(task).item() for task in TASKS})
    tasks.combine_more({task: vector(task) for task in TASKS}, True)
    assert flat_of(net).tolist() == [5.0] * 28


def test_the_method_is_shown_the_losses_of_the_first_call_not_of_a_later_point() -> None:
    net, descent = prepare(Fixed(), 0.0, torch.float64)
    tasks = descent.apart()
    first = {task: net.loss(task).item() for task in TASKS}
    vectors = {task: tasks.gradient(task) for task in TASKS}
    with torch.no_grad():
        net.layer.weight.mul_(3)
    for task in TASKS:
        tasks.gradient(task)
    assert net.loss("b").item() != pytest.approx(first["b"])
    seen = tasks.combine({task: partial(vectors.__getitem__, task) for task in TASKS})
    assert seen.losses == pytest.approx(first)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_alone_that_is_not_finite_names_its_task_and_the_modes_come_back(value: float) -> None:
    net, descent = prepare(Fixed())
    descent.prepared.losses["b"].append(lambda: torch.tensor(value))
    with pytest.raises(DivergedError, match="the loss of task 'b' must be finite"):
        descent.apart().loss("b")
    assert all(module.training for module in net.modules())


def test_an_error_in_a_loss_leaves_modes_and_the_random_numbers_of_after_it() -> None:
    net, descent = prepare(Fixed())
    tasks = descent.apart()
    tasks.gradient("a")
    after = torch.get_rng_state()

    def broken() -> Tensor:
        torch.rand(3)
        raise ZeroDivisionError("broken")

    descent.prepared.losses["a"] = [broken]
    with pytest.raises(ZeroDivisionError, match="broken"):
        tasks.gradient("a")
    assert torch.get_rng_state().equal(after)
    with pytest.raises(ZeroDivisionError, match="broken"):
        tasks.loss("a")
    assert all(module.training for module in net.modules())


def test_more_vectors_that_are_not_finite_leave_the_state_that_combine_made() -> None:
    _, descent = prepare(METHODS["mgda"](), 0.0, torch.float64)
    tasks = descent.apart()
    vectors = {task: tasks.gradient(task) for task in TASKS}
    tasks.combine({task: partial(vectors.__getitem__, task) for task in TASKS})
    state = descent.balancer.state
    spoilt = vectors | {"b": [None if part is None else part * float("nan") for part in vectors["b"]]}
    with pytest.raises(DivergedError, match="'b'"):
        tasks.combine_more(spoilt, False)
    assert descent.balancer.state is state
