"""AdamW: Adam with decoupled weight decay.

Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, Algorithm 2; computed by `torch.optim`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch.nn import Parameter
from torch.optim import Optimizer

from catscale.optimisation.contract import OptimizerSettings
from catscale.settings import READ_AS

Decay = Annotated[float, Field(ge=0, lt=1)]


class AdamSettings(OptimizerSettings):
    """Settings of AdamW, and of what steps with it.

    Attributes:
        betas: Decay of the averages of g and of g².
        epsilon: Added to the root of the average of g².
        weight_decay: λ; parameters shrink by the rate times λ in each update, independent of the gradient.
    """

    betas: Annotated[tuple[Decay, Decay], READ_AS] = (0.9, 0.98)
    epsilon: float = Field(default=1e-9, gt=0, le=1)
    weight_decay: float = Field(default=0.01, ge=0, le=1e6)

    def build(self, named: Mapping[str, Parameter]) -> Optimizer:
        """Make AdamW over one group of all parameters."""
        return torch.optim.AdamW(
            [{"params": list(named.values()), "initial_lr": self.learning_rate}],
            lr=self.learning_rate,
            betas=self.betas,
            eps=self.epsilon,
            weight_decay=self.weight_decay,
            fused=True,
        )


class AdamW(AdamSettings):
    """Adam with decoupled weight decay; cost: one descent a step, and two numbers of state a parameter."""

    method: Literal["adamw"] = "adamw"
