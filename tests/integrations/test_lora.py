"""The balancer over adapters alone gives what autograd gives, and leaves the frozen model alone."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from catscale import CATS, Fixed, TaskBalancer
from tests.integrations.toy import TASKS, collate, make_model, make_rows

WEIGHTS = {"large": 0.2, "middle": 0.3, "small": 0.5}


class LowRank(nn.Module):
    """W x + B A x with W frozen."""

    def __init__(self, linear: nn.Linear, rank: int = 2) -> None:
        super().__init__()
        self.linear = linear
        self.a = nn.Parameter(torch.randn(rank, linear.in_features) / 4)
        self.b = nn.Parameter(torch.randn(linear.out_features, rank) / 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + x @ self.a.T @ self.b.T


def own_adapters() -> nn.Module:
    model = make_model().requires_grad_(False)
    for module in list(model.modules()):
        for name in ("q_proj", "v_proj"):
            if hasattr(module, name):
                setattr(module, name, LowRank(getattr(module, name)))
    return model


def peft_adapters() -> nn.Module:
    peft = pytest.importorskip("peft", reason="PEFT is not installed")
    torch.manual_seed(1)
    settings = peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    return peft.get_peft_model(make_model(), settings)


@pytest.mark.parametrize("build", [own_adapters, peft_adapters])
@pytest.mark.parametrize("low_memory", [False, True])
def test_the_gradient_of_adapters_is_autograd_s(build: Callable[[], Any], low_memory: bool) -> None:
    model = build()
    adapters = [p for p in model.parameters() if p.requires_grad]
    assert 0 < sum(p.numel() for p in adapters) < 0.2 * sum(p.numel() for p in model.parameters())
    expected = torch.autograd.grad(torch.stack([WEIGHTS[task] * loss(model, task)() for task in TASKS]).sum(), adapters)
    balancer = TaskBalancer(Fixed(task_weights=WEIGHTS), TASKS, model.parameters(), module=model, low_memory=low_memory)
    balancer.backward({task: loss(model, task) for task in TASKS})
    for parameter, gradient in zip(adapters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-7)
    assert all(p.grad is None for p in model.parameters() if not p.requires_grad)


@pytest.mark.parametrize("build", [own_adapters, peft_adapters])
def test_cats_measures_the_adapters_alone(build: Callable[[], Any]) -> None:
    model = build()
    adapters = [p for p in model.parameters() if p.requires_grad]
    rows = [torch.cat([g.flatten() for g in torch.autograd.grad(loss(model, t)(), adapters)]) for t in TASKS]
    balancer = TaskBalancer(CATS(inner_steps=1), TASKS, model.parameters(), module=model)
    step = balancer.backward({task: loss(model, task) for task in TASKS})
    assert step.gradient_norms is not None
    for task, row in zip(TASKS, rows, strict=True):
        assert step.gradient_norms[task] == pytest.approx(row.double().norm().item(), rel=1e-4)
    combined = torch.stack(rows).double().mean(0)  # the first weights are equal
    assert step.curvature == pytest.approx(combined.square().sum().item(), rel=1e-4)


def loss(model: Any, task: str) -> Callable[[], Tensor]:
    rows = [{k: v for k, v in row.items() if k != "task"} for row in make_rows() if row["task"] == task]
    return lambda: model(**collate(rows)).loss
