"""Power iteration and Lanczos against dense spectra."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from catscale.errors import ConfigError
from catscale.landscape.eigenvalues import lanczos, power_iteration, random_start
from catscale.landscape.hessian import Hessian
from tests.landscape.networks import dense_hessian, matrix, network, start


def negative(loss: Callable[[], torch.Tensor]) -> torch.Tensor:
    return -loss()


@pytest.mark.parametrize("negated", [False, True])
def test_a_network_s_top_eigenvalue(negated):
    """Against the dense Hessian of 174 parameters; that of −L has a negative top eigenvalue."""
    model, losses = network()
    if negated:
        losses = [partial(negative, loss) for loss in losses]
    parameters = list(model.parameters())
    spectrum = torch.linalg.eigvalsh(dense_hessian(losses, parameters))
    expected = max(spectrum.tolist(), key=abs)
    assert (expected < 0) == negated
    hessian = Hessian(losses, parameters)
    found = power_iteration(hessian, start(len(spectrum)), 2000, 1e-6)
    assert found.converged
    assert found.residual <= 1e-6
    assert found.value == pytest.approx(expected, rel=1e-9)
    several = lanczos(hessian, start(len(spectrum)), 6, 500, 1e-8)
    assert several.converged
    assert several.value == pytest.approx(found.value, rel=1e-9)
    largest = sorted(spectrum.tolist(), key=abs, reverse=True)[:6]
    assert several.eigenvalues == pytest.approx(largest, rel=1e-8)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5.0, 1.0, -2.0, 0.0], 5.0),
        ([-7.0, 5.0, 1.0, 0.5], -7.0),
        ([3.0, 3.0, 3.0, 1.0, -1.0], 3.0),  # degenerate
        ([-4.0, -4.0, 2.0, 1.0], -4.0),
        ([2.0, 2.0, 2.0], 2.0),  # a multiple of one
        ([1e-12, -1e-13, 1e-14], 1e-12),
        ([1e12, -1e10], 1e12),
    ],
)
def test_known_quadratics(values, expected):
    found = power_iteration(matrix(values).mv, start(len(values)), 500, 1e-8)
    assert found.converged
    assert found.value == pytest.approx(expected, rel=1e-8)


def test_what_the_residual_promises():
    """An eigenvalue lies within residual · |λ|, whenever one stops."""
    values = [4.0, 3.8, 3.0, -3.5, 0.1]
    for iterations in (1, 2, 3, 5, 8, 13):
        found = power_iteration(matrix(values).mv, start(5), iterations, 1e-12)
        assert not found.converged
        assert found.iterations == iterations
        assert min(abs(found.value - value) for value in values) <= found.residual * abs(found.value) * (1 + 1e-9)
        vector = start(5) / start(5).norm()
        for _ in range(iterations - 1):
            vector = matrix(values).mv(vector)
            vector /= vector.norm()
        if iterations < 13:
            quotient = vector @ matrix(values).mv(vector)
            assert found.value == pytest.approx(quotient.item(), rel=1e-9)


def test_too_few_iterations_are_said():
    found = power_iteration(matrix([4.0, 3.9, 1.0]).mv, start(3), 4, 1e-3)
    assert not found.converged
    assert found.residual > 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_two_signs_of_one_magnitude(seed):
    """The vector swings for ever: the magnitude is right, and it is not called converged."""
    found = power_iteration(matrix([2.0, -2.0, 1.0, 0.5]).mv, start(4, seed), 60, 1e-3)
    assert not found.converged
    assert found.residual > 0.1
    assert abs(found.value) == pytest.approx(2.0, rel=1e-6)


def test_nothing_but_zero():
    found = power_iteration(lambda v: torch.zeros_like(v), start(3), 10, 1e-3)
    assert (found.value, found.residual, found.converged, found.iterations) == (0.0, 0.0, True, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_product_that_is_not_finite(bad):
    found = power_iteration(lambda v: v * bad, start(3), 10, 1e-3)
    assert not math.isfinite(found.value)
    assert not found.converged
    found = lanczos(lambda v: v * bad, start(30), 2, 50, 1e-3)
    assert math.isnan(found.value)
    assert not found.converged


def test_lanczos_on_degenerate_and_negative_spectra():
    values = [-5.0, 5.0, 5.0, -4.0, *np.linspace(-1, 1, 40)]
    found = lanczos(matrix(values).mv, start(len(values)), 4, 500, 1e-10)
    assert found.converged
    assert sorted(found.eigenvalues) == pytest.approx([-5, -4, 5, 5], rel=1e-8)
    assert abs(found.value) == pytest.approx(5)
    assert found.residual < 1e-8


def test_lanczos_counts_its_products_and_says_when_it_stops_early():
    """The first of five is found at once, the others lie too close together."""
    values = [10.0, *np.linspace(0.99, 1, 199)]
    count = 0

    def multiply(vector: torch.Tensor) -> torch.Tensor:
        nonlocal count
        count += 1
        return dense.mv(vector)

    dense = matrix(values)
    found = lanczos(multiply, start(200), 5, 20, 1e-12)
    assert not found.converged
    assert found.value == pytest.approx(10)
    assert found.residual < 1e-9
    assert 1 <= len(found.eigenvalues) < 5
    assert found.iterations == count < 45


def test_lanczos_believes_the_residual_it_computes():
    """Products with noise, as in float32: what ARPACK thinks it has reached is not what counts."""
    tolerance, beyond = 1e-3, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        dense, noise = matrix(np.linspace(-1, 2, 30).tolist()), rng.uniform(1, 2) * tolerance

        def multiply(vector, rng=rng, dense=dense, noise=noise) -> torch.Tensor:
            return dense.mv(vector) + noise * vector.norm() * start(30, int(rng.integers(1 << 30))) / 30**0.5

        found = lanczos(multiply, start(30), 2, 200, tolerance)
        assert found.converged == (len(found.eigenvalues) == 2 and found.residual <= tolerance)
        beyond += len(found.eigenvalues) == 2 and tolerance < found.residual <= 2 * tolerance
    assert beyond > 3


def test_lanczos_of_zero():
    found = lanczos(lambda v: torch.zeros_like(v), start(30), 2, 50, 1e-3)
    assert (found.value, found.residual, found.converged, found.eigenvalues) == (0.0, 0.0, True, (0.0, 0.0))


def test_too_many_eigenvalues():
    with pytest.raises(ConfigError, match=r"analysis\.top must be below the number of parameters, 3, found 3; lower"):
        lanczos(matrix([1.0, 2.0, 3.0]).mv, start(3), 3, 50, 1e-3)


def test_the_start_is_of_unit_length_and_depends_on_the_seed_alone():
    cpu = torch.device("cpu")
    one, two, other = (random_start(50, np.random.default_rng(seed), cpu) for seed in (1, 1, 2))
    assert one.equal(two)
    assert not one.equal(other)
    assert one.norm().item() == pytest.approx(1)
    assert one.dtype == torch.float64
