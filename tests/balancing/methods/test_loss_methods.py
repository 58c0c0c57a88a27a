"""Uncertainty, FAMO and DWA: against TorchJD's scalarizers where all tasks are present, and by hand where not."""

import math

import pytest
import torch
from torchjd.scalarization import DWA as TheirDWA  # noqa: N811
from torchjd.scalarization import FAMO as TheirFAMO  # noqa: N811
from torchjd.scalarization import UW

from catscale.balancing import Signals
from catscale.balancing.checks import N, trajectory
from catscale.balancing.methods.dwa import DWA
from catscale.balancing.methods.famo import FAMO
from catscale.balancing.methods.uncertainty import Uncertainty
from catscale.errors import DivergedError
from tests.unchecked import unchecked


def gradient_of(scalarizer: torch.nn.Module, losses: torch.Tensor) -> torch.Tensor:
    """∂/∂L_n, which is the weight of g_n."""
    leaf = losses.clone().requires_grad_()
    return torch.autograd.grad(scalarizer(leaf), leaf)[0]


def together(seed: int = 0) -> list[torch.Tensor]:
    """Losses of steps that hold all N tasks, in the order of their ids."""
    return [step.losses + 0.1 for step in trajectory(seed=seed, size=N)]


def test_uncertainty_agrees_with_torchjd_and_torch_s_adam() -> None:
    method = Uncertainty(learning_rate=0.05)
    state = method.init(N)
    theirs = UW(N).double()
    torch.nn.init.constant_(theirs.log_var, -math.log(2))
    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.05)
    for losses in together():
        expected = gradient_of(theirs, losses)
        weights, state = method.step(state, Signals(torch.arange(N), losses))
        torch.testing.assert_close(weights, expected)
        optimizer.zero_grad()
        theirs(losses).backward()
        optimizer.step()
        torch.testing.assert_close(state.values - math.log(2), theirs.log_var.detach())


def test_uncertainty_ends_at_half_the_inverse_loss() -> None:
    method = Uncertainty(learning_rate=0.05)
    state = method.init(2)
    losses = torch.tensor([4.0, 0.5], dtype=torch.float64)
    for _ in range(2000):
        weights, state = method.step(state, Signals(torch.arange(2), losses))
    torch.testing.assert_close(weights, 1 / (2 * losses), rtol=1e-3, atol=0)


def test_uncertainty_of_a_task_does_not_depend_on_the_others() -> None:
    method = Uncertainty(learning_rate=0.02)
    state = method.init(N)
    alone = {n: method.init(1) for n in range(N)}
    for step in trajectory():
        _, state = method.step(state, Signals(step.task_ids, step.losses))
        for n, loss in zip(step.task_ids.tolist(), step.losses, strict=True):
            _, alone[n] = method.step(alone[n], Signals(torch.tensor([0]), loss[None]))
    torch.testing.assert_close(state.values, torch.cat([alone[n].values for n in range(N)]))


def test_famo_agrees_with_torchjd_where_all_tasks_are_present() -> None:
    method = FAMO(learning_rate=0.05)
    state = method.init(N)
    theirs = TheirFAMO(N, lr=0.05).double()
    latest = None
    for losses in together():
        if latest is not None:
            torch.testing.assert_close(method.weights(state, torch.arange(N)), gradient_of(theirs, latest))
            theirs.update(losses)
        weights, state = method.step(state, Signals(torch.arange(N), losses))
        assert weights.sum().item() == pytest.approx(1)
        torch.testing.assert_close(state.values, theirs._w.detach())
        latest = losses


def test_famo_by_hand_whichever_tasks_are_present() -> None:
    method = FAMO(learning_rate=0.05, weight_decay=0.01)
    state = method.init(N)
    logits = [torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in range(N)]
    optimizers = [torch.optim.Adam([x], lr=0.05, weight_decay=0.01) for x in logits]
    latest: dict[int, float] = {}
    for step in trajectory():
        ids = step.task_ids.tolist()
        losses = dict(zip(ids, step.losses.tolist(), strict=True))
        seen = [n for n in ids if n in latest]
        _, state = method.step(state, Signals(step.task_ids, step.losses))
        if seen:
            shares = torch.stack([logits[n] for n in seen]).softmax(0)
            gains = torch.tensor([math.log(latest[n]) - math.log(losses[n]) for n in seen], dtype=torch.float64)
            for n, slope in zip(seen, torch.autograd.grad(shares @ gains, [logits[n] for n in seen]), strict=True):
                logits[n].grad = slope
                optimizers[n].step()
        latest |= losses
        torch.testing.assert_close(state.values, torch.stack(logits).detach())


def test_famo_gives_weight_to_the_task_that_does_not_improve() -> None:
    method = FAMO()
    state = method.init(2)
    for losses in ([4.0, 4.0], [4.0, 2.0], [4.0, 1.0]):
        _, state = method.step(state, Signals(torch.arange(2), torch.tensor(losses, dtype=torch.float64)))
    assert state.values[0] > 0 > state.values[1]


def test_a_new_task_has_the_mean_loss_of_the_others_for_famo() -> None:
    method = FAMO()
    _, state = method.step(method.init(3), Signals(torch.arange(2), torch.tensor([1.0, 4.0], dtype=torch.float64)))
    weights = method.weights(state, torch.arange(3))
    torch.testing.assert_close(weights, torch.tensor([4.0, 1.0, 2.0], dtype=torch.float64) / 7)


def test_dwa_agrees_with_torchjd_where_all_tasks_are_present() -> None:
    method = DWA(interval=4, temperature=0.7)
    state = method.init(N)
    theirs = TheirDWA(temperature=0.7)
    moved = False
    for index, losses in enumerate(together()):
        expected = gradient_of(theirs, losses)
        weights, state = method.step(state, Signals(torch.arange(N), losses))
        torch.testing.assert_close(weights, expected)
        moved = moved or not weights.allclose(torch.ones_like(weights))
        if (index + 1) % 4 == 0:
            theirs.step()
    assert moved


def test_dwa_by_hand_whichever_tasks_are_present() -> None:
    method = DWA(interval=3, temperature=2.0)
    state = method.init(N)
    history: dict[int, list[float]] = {n: [] for n in range(N)}
    for step in trajectory() + trajectory(seed=1):
        rates = []
        for n in step.task_ids.tolist():
            windows = len(history[n]) // 3
            means = [sum(history[n][3 * k : 3 * k + 3]) / 3 for k in range(windows)]
            rates.append(means[-1] / means[-2] if windows >= 2 else 1.0)
        powers = [math.exp(rate / 2) for rate in rates]
        expected = torch.tensor([len(powers) * p / sum(powers) for p in powers], dtype=torch.float64)
        weights, state = method.step(state, Signals(step.task_ids, step.losses))
        torch.testing.assert_close(weights, expected)
        for n, loss in zip(step.task_ids.tolist(), step.losses.tolist(), strict=True):
            history[n].append(loss)


@pytest.mark.parametrize("method", [Uncertainty(), FAMO(), DWA()], ids=lambda m: m.name)
def test_a_loss_that_is_not_finite_stops_it(method: Uncertainty | FAMO | DWA) -> None:
    signals = Signals(torch.tensor([1]), torch.tensor([math.nan], dtype=torch.float64))
    with pytest.raises(
        DivergedError, match=r"losses must be finite, found \[nan\] for the tasks with ids \[1\]; lower"
    ):
        unchecked(method).step(method.init(2), signals)
