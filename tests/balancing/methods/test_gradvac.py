"""Gradient Vaccine against Algorithm 1 on the gradient vectors themselves, and against TorchJD's."""

import math

import pytest
import torch
from torchjd.aggregation import GradVacWeighting, PCGradWeighting

from catscale.balancing import Signals
from catscale.balancing.checks import GROUPS, N, Step, trajectory
from catscale.balancing.methods.gradvac import STRIDE, GradVac, vaccinated_weights


class Literal:
    """Algorithm 1 with vectors and a table of targets by pair of tasks."""

    def __init__(self, beta: float, seed: int) -> None:
        self.beta, self.seed, self.steps = beta, seed, 0
        self.target: dict[tuple[int, int], float] = {}

    def step(self, gradients: dict[int, torch.Tensor]) -> torch.Tensor:
        generator = torch.Generator().manual_seed(self.seed * STRIDE + self.steps)
        self.steps += 1
        tasks = sorted(gradients)
        total = torch.zeros(len(gradients[tasks[0]]), dtype=torch.float64)
        for i in tasks:
            turned = gradients[i].clone()
            for place in torch.randperm(len(tasks), generator=generator).tolist():
                j = tasks[place]
                if i == j:
                    continue
                other = gradients[j]
                phi = float(turned @ other / (turned.norm() * other.norm()))
                hat = self.target.get((i, j), 0.0)
                if phi < hat:
                    sine, wanted = math.sqrt(1 - phi**2), math.sqrt(1 - hat**2)
                    factor = turned.norm() * (hat * sine - phi * wanted) / (other.norm() * wanted)
                    turned = turned + factor * other
                self.target[i, j] = (1 - self.beta) * hat + self.beta * phi
            total += turned
        return total


@pytest.mark.parametrize(("beta", "seed"), [(0.01, 0), (0.5, 3), (1.0, 1)])
def test_it_follows_algorithm_1_whichever_tasks_are_present(beta: float, seed: int) -> None:
    method, literal = GradVac(target_rate=beta, seed=seed), Literal(beta, seed)
    state = method.init(N)
    turned = 0
    for step in [s for draw in range(4) for s in trajectory(seed=draw)]:
        gramian = step.gradients @ step.gradients.T
        weights, state = method.step(state, Signals(step.task_ids, step.losses, gramian))
        total = literal.step(dict(zip(step.task_ids.tolist(), list(step.gradients), strict=True)))
        torch.testing.assert_close(weights @ step.gradients, total, rtol=1e-5, atol=1e-5)
        for (i, j), target in literal.target.items():
            assert state.targets[0, i, j].item() == pytest.approx(target, abs=1e-6)
        turned += bool((weights > 1.01).any())
    assert turned > 30  # the trajectory is no easy one


@pytest.mark.parametrize("beta", [0.01, 0.5])
def test_two_tasks_agree_with_torchjd(beta: float) -> None:
    method, theirs = GradVac(target_rate=beta), GradVacWeighting(beta=beta)
    state = method.init(2)
    for step in trajectory(size=2):
        gramian = step.gradients @ step.gradients.T
        weights, state = method.step(state, Signals(torch.arange(2), step.losses, gramian))
        torch.testing.assert_close(weights, theirs(gramian), rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(state.targets[0], theirs._phi_t, rtol=1e-6, atol=1e-6)


def test_the_cosine_of_a_turned_pair_is_the_target() -> None:
    rows = trajectory(size=2)[0].gradients
    targets = torch.tensor([[0.0, 0.9], [0.9, 0.0]], dtype=torch.float64)
    weights, _ = vaccinated_weights(rows @ rows.T, targets, 0.0, torch.Generator())
    first = rows[0] + (weights[1] - 1) * rows[1]
    assert float(first @ rows[1] / first.norm() / rows[1].norm()) == pytest.approx(0.9, abs=1e-6)


def test_without_targets_it_is_pcgrad() -> None:
    method = GradVac(target_rate=0)
    for step in trajectory(size=2):
        gramian = step.gradients @ step.gradients.T
        weights, _ = method.step(method.init(2), Signals(torch.arange(2), step.losses, gramian))
        torch.testing.assert_close(weights, PCGradWeighting()(gramian), rtol=1e-6, atol=1e-6)


def test_each_group_has_its_own_targets() -> None:
    method = GradVac(granularity="groups", target_rate=0.5).bind([str(i) for i in range(N)], list(GROUPS))
    alone = GradVac(target_rate=0.5)
    state = method.init(N)
    states = [alone.init(N) for _ in GROUPS]
    for step in trajectory(size=2):
        parts = [step.gradients[:, columns] for columns in GROUPS.values()]
        weights, state = method.step(state, Signals(step.task_ids, step.losses, torch.stack([p @ p.T for p in parts])))
        for group, part in enumerate(parts):
            expected, states[group] = alone.step(states[group], Signals(step.task_ids, step.losses, part @ part.T))
            torch.testing.assert_close(weights[group], expected)
    for group in range(2):
        torch.testing.assert_close(state.targets[group], states[group].targets[0])
    assert not state.targets[0].allclose(state.targets[1])


def test_another_seed_draws_another_order() -> None:
    step = Step(torch.arange(N), torch.ones(N), trajectory(size=N)[0].gradients)
    signals = Signals(step.task_ids, step.losses, step.gradients @ step.gradients.T)
    one, two = (GradVac(seed=s).step(GradVac().init(N), signals)[0] for s in (0, 1))
    assert not one.equal(two)


def test_the_mean_target_is_reported() -> None:
    method = GradVac(target_rate=1)
    gramian = torch.tensor([[1.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    _, state = method.step(method.init(2), Signals(torch.arange(2), torch.ones(2), gramian))
    assert method.describe(state)["mean_target_cosine"] == pytest.approx(0.5)
