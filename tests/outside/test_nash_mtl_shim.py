"""nash-mtl's call: a trainer as its forks write it learns, with the weights of the method."""

from typing import Any

import pytest
import torch
from benchmarks.outside.nash_mtl_shim import WeightMethods


def train(method: str, steps: int = 40) -> tuple[list[float], list[float], torch.Tensor]:
    """Return the first and last losses of two regressions on one trunk, and the last weights."""
    torch.manual_seed(0)
    trunk = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 8))
    heads = torch.nn.ModuleList(torch.nn.Linear(8, 1) for _ in range(2))
    inputs = torch.randn(64, 4)
    targets = [inputs.sum(1, keepdim=True), 3 * inputs[:, :1]]
    weight_method = WeightMethods(method, n_tasks=2, device="cpu")
    parameters = [*trunk.parameters(), *heads.parameters()]
    groups: list[dict[str, Any]] = [{"params": parameters, "lr": 0.02}, {"params": weight_method.parameters()}]
    optimizer = torch.optim.Adam(groups)
    history: list[list[float]] = []
    extra: dict[str, torch.Tensor] = {}
    for _ in range(steps):
        optimizer.zero_grad()
        features = trunk(inputs)
        losses = torch.stack(
            [torch.nn.functional.mse_loss(head(features), target) for head, target in zip(heads, targets, strict=True)]
        )
        loss, extra = weight_method.backward(
            losses=losses,
            shared_parameters=list(trunk.parameters()),
            task_specific_parameters=list(heads.parameters()),
            last_shared_parameters=list(trunk[2].parameters()),
            representation=features,
        )
        assert loss.item() == pytest.approx(float(extra["weights"] @ losses.detach()))
        optimizer.step()
        history.append(losses.tolist())
    return history[0], history[-1], extra["weights"]


@pytest.mark.parametrize("method", ["config", "gradnorm"])
def test_a_trainer_of_nash_mtl_s_kind_learns_both_tasks(method: str) -> None:
    first, last, weights = train(method)
    assert all(end < 0.6 * start for start, end in zip(first, last, strict=True))
    assert weights.shape == (2,)
