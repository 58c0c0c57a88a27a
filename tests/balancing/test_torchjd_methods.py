"""UPGrad, CAGrad, IMTL-G and Aligned-MTL: what each of them promises; and the optional package itself."""

import subprocess
import sys

import pytest
import torch

from catscale.balancing import METHODS, Signals
from catscale.balancing.aligned_mtl import AlignedMTL
from catscale.balancing.cagrad import CAGrad
from catscale.balancing.checks import trajectory
from catscale.balancing.gramian_method import GramianMethod
from catscale.balancing.imtl_g import IMTLG
from catscale.balancing.torchjd_weighting import torchjd_weighting
from catscale.balancing.upgrad import UPGrad
from catscale.errors import ConfigError, DivergedError


def weigh(method: GramianMethod, rows: torch.Tensor) -> torch.Tensor:
    signals = Signals(torch.arange(len(rows)), torch.ones(len(rows)), rows @ rows.T)
    return method.step(method.init(len(rows)), signals)[0]


ROWS = [step.gradients for size in (2, 3, 5) for step in trajectory(size=size)[:8]]


def test_upgrad_harms_no_task() -> None:
    conflicts = 0
    for rows in ROWS:
        weights = weigh(UPGrad(ridge=1e-10), rows)
        assert (weights >= 1 / len(rows) - 1e-9).all()
        assert (rows @ (weights @ rows) >= -1e-6).all()
        conflicts += bool((rows @ rows.mean(0) < 0).any())
    assert conflicts


@pytest.mark.parametrize(("ridge", "error"), [(1e-10, 1e-6), (1e-4, 1e-3)])
def test_upgrad_of_two_tasks_has_a_closed_form(ridge: float, error: float) -> None:
    for rows in ROWS[:8]:
        gramian = rows @ rows.T
        expected = (1 - gramian[0, 1].clamp(max=0) / gramian.diagonal()) / 2
        torch.testing.assert_close(weigh(UPGrad(ridge=ridge), rows), expected, rtol=error, atol=0)


def gain(rows: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """min_n ⟨g_n, d⟩ for each of several d."""
    return (directions @ rows.T).amin(-1)


@pytest.mark.parametrize("radius", [0.2, 0.5, 0.9])
def test_cagrad_s_direction_is_the_best_of_the_ball(radius: float) -> None:
    generator = torch.Generator().manual_seed(0)
    for rows in ROWS:
        mean = rows.mean(0)
        direction = weigh(CAGrad(radius=radius), rows) @ rows
        reach = radius * mean.norm()
        assert (direction - mean).norm().item() == pytest.approx(reach.item(), rel=1e-5)
        noise = torch.randn(3000, rows.shape[1], generator=generator, dtype=torch.float64)
        noise = torch.cat([noise, direction - mean + 0.01 * noise * reach])
        others = mean + reach * noise / noise.norm(dim=1, keepdim=True)
        assert gain(rows, direction) >= gain(rows, others).max() - 1e-3 * reach * rows.norm(dim=1).max()


def test_cagrad_of_radius_0_is_the_mean() -> None:
    for rows in ROWS[:10]:
        expected = torch.full((len(rows),), 1 / len(rows), dtype=torch.float64)
        torch.testing.assert_close(weigh(CAGrad(radius=0), rows), expected)


def test_cagrad_of_two_tasks_against_a_grid() -> None:
    for rows in ROWS[:8]:
        mean = rows.mean(0)
        first = torch.linspace(0, 1, 100_001, dtype=torch.float64)
        hull = first[:, None] * rows[0] + (1 - first)[:, None] * rows[1]
        best = hull[(hull @ mean + 0.5 * mean.norm() * hull.norm(dim=1)).argmin()]
        expected = mean + 0.5 * mean.norm() * best / best.norm()
        torch.testing.assert_close(weigh(CAGrad(radius=0.5), rows) @ rows, expected, rtol=1e-3, atol=1e-3)


def test_imtl_g_has_equal_projections() -> None:
    for rows in ROWS:
        weights = weigh(IMTLG(), rows * torch.logspace(-6, 6, len(rows), dtype=torch.float64)[:, None])
        scaled = rows * torch.logspace(-6, 6, len(rows), dtype=torch.float64)[:, None]
        projections = (scaled / scaled.norm(dim=1, keepdim=True)) @ (weights @ scaled)
        torch.testing.assert_close(projections / projections[0], torch.ones_like(projections), rtol=1e-6, atol=0)
        assert weights.sum().item() == pytest.approx(1)


def test_imtl_g_of_two_tasks_has_a_closed_form() -> None:
    for rows in ROWS[:8]:
        norms = rows.norm(dim=1)
        torch.testing.assert_close(weigh(IMTLG(), rows), norms.flip(0) / norms.sum())


def test_imtl_g_agrees_with_torchjd_on_the_gramian_itself() -> None:
    for rows in ROWS:
        torch.testing.assert_close(weigh(IMTLG(), rows), torchjd_weighting("IMTLGWeighting")(rows @ rows.T))


@pytest.mark.parametrize("scale", ["min", "median", "rmse"])
def test_aligned_mtl_is_the_mean_of_the_nearest_orthogonal_system(scale: str) -> None:
    for rows in ROWS:
        u, sigma, vt = torch.linalg.svd(rows, full_matrices=False)
        eigenvalues = sigma**2
        size = {"min": eigenvalues.min(), "median": eigenvalues.median(), "rmse": eigenvalues.mean()}[scale].sqrt()
        expected = size * (u @ vt).mean(0)
        torch.testing.assert_close(weigh(AlignedMTL(scale=scale), rows) @ rows, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", [UPGrad(), CAGrad(), AlignedMTL(), IMTLG()], ids=lambda m: m.name)
@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_a_common_scale_of_the_gradients_does_not_matter(method: GramianMethod, scale: float) -> None:
    for rows in ROWS[::8]:
        torch.testing.assert_close(weigh(method, rows * scale), weigh(method, rows), rtol=1e-3, atol=1e-6)


def test_no_direction_left_means_equal_weights() -> None:
    rows = torch.tensor([[1.0, 2.0], [-1.0, -2.0]], dtype=torch.float64)
    for method in (AlignedMTL(), IMTLG()):
        assert weigh(method, rows).tolist() == [0.5, 0.5]


def test_a_product_that_is_not_finite_names_the_task() -> None:
    gramian = torch.tensor([[1.0, float("nan")], [float("nan"), 1.0]])
    with pytest.raises(DivergedError, match=r"must be finite, found others for the tasks with ids \[4, 2\]; lower"):
        UPGrad().step(UPGrad().init(5), Signals(torch.tensor([4, 2]), torch.ones(2), gramian))


def test_a_step_without_its_gramian_says_so() -> None:
    with pytest.raises(ValueError, match="needs the Gram matrix, found none; measure what request"):
        UPGrad().step(UPGrad().init(2), Signals(torch.arange(2), torch.ones(2)))


@pytest.mark.parametrize("name", ["pcgrad", "upgrad", "cagrad", "imtl_g", "aligned_mtl"])
def test_without_the_package_init_names_the_command(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchjd.aggregation", None)
    with pytest.raises(ConfigError, match=r"needs TorchJD 0.18 .*, found: .*; run pip install 'torchjd\[cagrad"):
        METHODS[name]().init(2)


def test_torchjd_is_not_imported_until_it_is_used() -> None:
    program = "import sys, catscale.balancing; sys.exit('torchjd' in sys.modules or 'cvxpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
