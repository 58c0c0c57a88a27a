"""Hessian-vector products against dense Hessians and differences of gradients."""

import pytest
import torch

from catscale.landscape.hessian import Hessian, total_hessian
from tests.landscape.networks import dense_hessian, differences, flat, network, start


@pytest.mark.parametrize("hold", [True, False])
def test_products_against_the_dense_hessian_and_differences(hold):
    model, losses = network()
    parameters = list(model.parameters())
    dense = dense_hessian(losses, parameters)
    hessian = Hessian(losses, parameters, hold)
    assert 100 < len(dense) < 1000
    for seed in range(3):
        vector = start(len(dense), seed)
        found = hessian(vector)
        torch.testing.assert_close(found, dense @ vector, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(found, differences(losses, parameters, vector), rtol=1e-5, atol=1e-7)
    assert all(parameter.grad is None for parameter in parameters)


def test_tied_weights_count_all_their_uses(monkeypatch):
    """The block of the embedding is not the sum of those of its uses alone."""
    model, losses = network()
    table = model.embedding.weight
    block = dense_hessian(losses, [table])
    vector = start(table.numel())
    torch.testing.assert_close(Hessian(losses, [table])(vector), block @ vector, rtol=1e-10, atol=1e-12)
    real = torch.Tensor.__matmul__
    untied = table.detach().clone()
    with monkeypatch.context() as patched:
        patched.setattr(torch.Tensor, "__matmul__", lambda a, b: real(a, untied.T if b.shape == untied.T.shape else b))
        one_use = Hessian(losses, [table])(vector)
    assert (one_use - block @ vector).norm() > 0.1 * (block @ vector).norm()


@pytest.mark.parametrize("hold", [True, False])
def test_a_diagonal_block(hold):
    model, losses = network()
    parameters = list(model.parameters())
    chosen = [model.hidden.bias, model.out.weight]
    block = Hessian(losses, parameters, hold).within(chosen)
    vector = start(6)
    torch.testing.assert_close(block(vector), dense_hessian(losses, chosen) @ vector, rtol=1e-10, atol=1e-12)


def test_float32_parameters_and_float64_sums():
    """Products of many mini-batches cancel to nearly nothing, which a sum in float32 would lose."""
    theta = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    scales = [1e8, 0.125, -1e8]
    losses = [lambda scale=scale: scale * (theta**2).sum() / 2 for scale in scales]
    found = Hessian(losses, [theta])(torch.tensor([1.0, 1.0], dtype=torch.float64))
    assert found.tolist() == [0.125, 0.125]
    assert found.dtype == torch.float64


def test_float32_is_near_float64():
    model, losses = network(torch.float32)
    exact, exact_losses = network()
    vector = start(len(flat(list(model.parameters()))))
    with torch.no_grad():
        for one, two in zip(exact.parameters(), model.parameters(), strict=True):
            one.copy_(two)
    found = Hessian(losses, list(model.parameters()))(vector)
    expected = Hessian(exact_losses, list(exact.parameters()))(vector)
    assert (found - expected).norm() < 1e-5 * expected.norm()


def test_losses_without_curvature_and_parameters_out_of_reach():
    one, two = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(3))
    linear = Hessian([lambda: one.sum()], [one, two])
    assert linear(torch.ones(5)).tolist() == [0] * 5
    part = Hessian([lambda: one.sum() + (one**2).sum()], [one, two])
    assert part(torch.ones(5)).tolist() == [2, 2, 0, 0, 0]


def test_the_total_is_the_weighted_sum_and_zero_weights_cost_nothing():
    model, losses = network()
    parameters = list(model.parameters())

    def never():
        raise AssertionError("a task of weight 0 was computed")

    tasks = [(0.25, losses[:1]), (0.0, [never]), (2.0, losses[1:])]
    vector = start(sum(p.numel() for p in parameters))
    expected = 0.25 * Hessian(losses[:1], parameters)(vector) + 2 * Hessian(losses[1:], parameters)(vector)
    torch.testing.assert_close(total_hessian(tasks, parameters)(vector), expected, rtol=1e-10, atol=1e-12)


def test_it_works_where_gradients_are_off():
    theta = torch.nn.Parameter(torch.ones(1))
    with torch.no_grad():
        assert Hessian([lambda: (theta**3).sum()], [theta], hold=False)(torch.ones(1)).tolist() == [6]
