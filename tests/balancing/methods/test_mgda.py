"""The min-norm point: its optimality conditions, closed forms, and Frank-Wolfe as a lower bar."""

import pytest
import torch
from torchjd.aggregation import MGDAWeighting

from catscale.balancing import Signals
from catscale.balancing.methods.mgda import MGDA, min_norm_weights
from catscale.balancing.methods.torchjd_weighting import torchjd_weighting


def random_gramian(seed: int, tasks: int, width: int, spread: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(tasks, width, generator=generator, dtype=torch.float64) + 0.3
    rows = rows * 10 ** (spread * torch.rand(tasks, 1, generator=generator, dtype=torch.float64))
    gramian = rows @ rows.T
    return gramian / gramian.diagonal().max()


@pytest.mark.parametrize("spread", [0.0, 2.0, 6.0])
@pytest.mark.parametrize("tasks", [2, 3, 8, 33])
def test_the_optimality_conditions_hold(tasks: int, spread: float) -> None:
    for seed in range(20):
        gramian = random_gramian(seed, tasks, width=5 + 3 * (seed % 4), spread=spread)
        weights = min_norm_weights(gramian)
        assert (weights >= 0).all()
        assert weights.sum().item() == pytest.approx(1, abs=1e-12)
        least = weights @ gramian @ weights
        products = (gramian @ weights - least) / gramian.diagonal().sqrt() / gramian.diagonal().min().sqrt()
        assert (products >= -1e-10).all()
        assert products[weights > 0].abs().max() <= 1e-10


def test_two_tasks_have_a_closed_form() -> None:
    inside = 0
    for seed in range(30):
        gramian = random_gramian(seed, 2, 4, spread=0.5)
        gap = gramian[0, 0] + gramian[1, 1] - 2 * gramian[0, 1]
        first = ((gramian[1, 1] - gramian[0, 1]) / gap).clamp(0, 1)
        torch.testing.assert_close(min_norm_weights(gramian), torch.stack([first, 1 - first]))
        inside += bool(0 < first < 1)
    assert 5 < inside < 30


def test_orthogonal_gradients_weigh_by_the_inverse_squared_norm() -> None:
    norms = torch.tensor([1.0, 0.5, 0.1], dtype=torch.float64)
    expected = norms**-2 / (norms**-2).sum()
    torch.testing.assert_close(min_norm_weights(torch.diag(norms**2)), expected)


def test_frank_wolfe_comes_no_nearer() -> None:
    excess = []
    for seed in range(30):
        gramian = random_gramian(seed, 8, 20, spread=1.0)
        exact, theirs = min_norm_weights(gramian), MGDAWeighting()(gramian)
        least = exact @ gramian @ exact
        excess.append(float((theirs @ gramian @ theirs - least) / least))
    assert min(excess) > 0
    assert max(excess) < 0.3


def test_opposed_gradients_cancel() -> None:
    rows = torch.tensor([[1.0, 0.0], [-2.0, 0.0], [3.0, 1.0]], dtype=torch.float64)
    weights = min_norm_weights(rows @ rows.T)
    torch.testing.assert_close(weights @ rows, torch.zeros(2, dtype=torch.float64), atol=1e-12, rtol=0)


def test_a_task_without_gradient_does_not_stop_the_others() -> None:
    gramian = torch.diag(torch.tensor([0.0, 4.0, 1.0], dtype=torch.float64))
    method = MGDA()
    weights, _ = method.step(method.init(3), Signals(torch.tensor([2, 0, 1]), torch.ones(3), gramian))
    torch.testing.assert_close(weights, torch.tensor([0.0, 0.2, 0.8], dtype=torch.float64))


def test_the_figures_of_its_page() -> None:
    """300 random matrices, beside TorchJD's iteration of 100 rounds."""
    generator = torch.Generator().manual_seed(0)
    ours: list[float] = []
    theirs: list[float] = []
    lengths, distances = [], []
    for _ in range(300):
        size = int(torch.randint(2, 33, (), generator=generator))
        rows = torch.randn(size, 50, generator=generator, dtype=torch.float64)
        rows *= 10 ** (2 * torch.rand(size, 1, generator=generator, dtype=torch.float64) - 1)
        gramian = rows @ rows.T / rows.square().sum(1).max()
        exact, near = min_norm_weights(gramian), torchjd_weighting("MGDAWeighting")(gramian)
        for weights, violations in ((exact, ours), (near, theirs)):
            products = gramian @ weights
            violations.append((weights @ products - products.min()).item())
        lengths.append(((near @ gramian @ near) / (exact @ gramian @ exact)).sqrt().item())
        distances.append((near - exact).abs().sum().item())
    assert max(ours) < 1e-15
    assert max(theirs) == pytest.approx(1e-3, rel=0.1)
    assert min(lengths) > 1 - 1e-12
    assert max(lengths) == pytest.approx(4.6, rel=0.02)
    assert sorted(distances)[150] == pytest.approx(0.26, rel=0.05)
