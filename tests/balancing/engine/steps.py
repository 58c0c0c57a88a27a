"""A balancer over the small model whose coming step is known."""

from dataclasses import replace

import torch

from catscale import CATS, TaskBalancer
from tests.balancing.networks import ALPHA, TASKS, Net
from tests.unchecked import unchecked


def paper(m: int = 1) -> CATS:
    return CATS(formulation="paper", inner_steps=m, alpha_lr=0.001, multiplier_lr=0.1)


def balancer(model: Net, due: bool, method: CATS | None = None) -> TaskBalancer:
    """With α = ALPHA, and a coming step that does or does not measure the Gram matrix."""
    made = TaskBalancer(method or paper(1 if due else 50), TASKS, model.shared())
    made.state = replace(unchecked(made.state), alpha=torch.tensor(ALPHA, dtype=torch.float64))
    assert (made.method.request(made.state).kind != "nothing") is due
    return made
