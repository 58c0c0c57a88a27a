"""The gradient of a sum of losses."""

import torch

from catscale.landscape.gradients import sum_gradients


def test_the_gradient_of_a_sum_is_that_of_the_losses_together() -> None:
    torch.manual_seed(1)
    one, two, unused = (torch.nn.Parameter(torch.randn(3)) for _ in range(3))
    losses = [lambda: (one * two).sum(), lambda: one.pow(3).sum(), lambda: two.exp().sum()]
    with torch.no_grad():
        found = sum_gradients(losses, [one, two, unused])
    expected = torch.autograd.grad(torch.stack([loss() for loss in losses]).sum(), [one, two])
    assert found[2] is None
    for mine, theirs in zip(found, expected, strict=False):
        torch.testing.assert_close(mine, theirs)
    assert one.grad is None


def test_no_losses_have_no_gradient() -> None:
    assert sum_gradients([], [torch.nn.Parameter(torch.zeros(2))]) == [None]
