"""The empirical Fisher information against its dense matrix, and against the Hessian that it stands for."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from catscale.landscape.fisher import scale_to_tokens, sentence_squares
from tests.landscape.networks import dense_hessian, flat, network


def test_against_the_dense_matrix():
    model, losses = network()
    parameters = list(model.parameters())
    squares = sentence_squares(losses, parameters)
    fisher = torch.zeros(2 * [sum(p.numel() for p in parameters)], dtype=torch.float64)
    for loss in losses:
        gradient = flat(torch.autograd.grad(loss(), parameters))
        fisher += torch.outer(gradient, gradient)
    tokens = 31
    expected = (fisher / tokens).trace().item()
    estimates = scale_to_tokens(squares.sum(1), tokens / len(losses))
    assert estimates.mean() == pytest.approx(expected, rel=1e-10)
    assert squares.shape == (3, len(parameters))
    assert all(p.grad is None for p in parameters)


def test_a_parameter_out_of_reach_adds_nothing():
    one, two = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(3))
    assert sentence_squares([lambda: (one**2).sum()], [one, two]).tolist() == [[8.0, 0.0]]


def test_at_the_model_s_own_distribution_it_is_the_trace_of_the_hessian():
    """Sentences of two words drawn from a softmax: the factor 1/T, and no other, gives the Hessian of the mean NLL."""
    torch.manual_seed(0)
    scores = torch.nn.Parameter(torch.tensor([0.3, -0.5, 1.0], dtype=torch.float64))
    words = torch.multinomial(scores.detach().softmax(0), 2 * 4000, replacement=True).view(4000, 2)

    def nll(sentence: torch.Tensor):
        return lambda: F.cross_entropy(scores.expand(len(sentence), 3), sentence, reduction="sum")

    squares = sentence_squares([nll(sentence) for sentence in words], [scores])
    estimates = scale_to_tokens(squares.sum(1), tokens_per_sentence=2)
    hessian = dense_hessian([lambda: nll(words.flatten())() / words.numel()], [scores])
    error = estimates.std() / np.sqrt(len(estimates))
    assert error < 0.01
    assert abs(estimates.mean() - hessian.trace().item()) < 3 * error
