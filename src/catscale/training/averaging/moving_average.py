"""An exponential moving average of the parameters.

Legend: θ_t parameters after update t, d decay, m_t average, a_t rate.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from catscale.distributed.sharding import gather_whole, own_part, spread_like


class MovingAverage:
    """Keeps m_t = Σ d^(t−i) θ_i / Σ d^(t−i), i = 1 … t, in float32.

        m_t = m_{t−1} + a_t (θ_t − m_{t−1}),      a_t = (1 − d) / (1 − d^t)

    The parameters before the first update take no part (a_1 = 1), so that the average is not drawn to them. Cost: one
    pass over the parameters per update. Memory: 4 bytes per trainable parameter, in each checkpoint as many.

    Args:
        parameters: By name; of a sharded model the parts of this process.
        decay: d.
    """

    def __init__(self, parameters: Mapping[str, Parameter], decay: float) -> None:
        self.parameters, self.decay = parameters, decay
        self.updates = 0
        self.values = {name: parameter.detach().float().clone() for name, parameter in parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters after an update."""
        self.updates += 1
        rate = (1 - self.decay) / (1 - self.decay**self.updates)
        for name, parameter in self.parameters.items():
            own_part(self.values[name]).lerp_(own_part(parameter).float(), rate)

    def state_dict(self) -> dict[str, Any]:
        """Return the number of updates and whole tensors by name; every process must ask for it.

        The form is that of the optimiser's state, whose keys may hold dots in a checkpoint.
        """
        means = {name: {"mean": gather_whole(value)} for name, value in self.values.items()}
        return {"updates": self.updates, "means": means}

    @torch.no_grad()
    def load_state_dict(self, content: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Raises:
            ValueError: If it is of other parameters.
        """
        means, updates = content["means"], content["updates"]
        if means.keys() != self.values.keys() or type(updates) is not int or updates < 0:
            raise ValueError("the moving average is of other parameters")
        for name, value in self.values.items():
            found = means[name]["mean"]
            _check(name, found, value)
            own_part(value).copy_(own_part(spread_like(found, value)))
        self.updates = updates


def _check(name: str, found: Any, expected: Tensor) -> None:
    if not (
        isinstance(found, Tensor)
        and found.shape == expected.shape
        and found.dtype == torch.float32
        and bool(found.isfinite().all())
    ):
        raise ValueError(f"the moving average of {name} is not finite, or not of its shape")
