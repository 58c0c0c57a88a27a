"""The base of optimisers that look at the loss in a second place, in the last part of the training.

Source of the late start: Zhou et al., "Sharpness-Aware Minimization Efficiently Selects Flatter Minima Late in
Training", 2025.
"""

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer
from torch.nn import Parameter
from torch.optim import Optimizer

from catscale.errors import ConfigError
from catscale.optimisation.adamw import AdamSettings


class LateSettings(AdamSettings):
    """Settings of AdamW, and of when its gradient is taken elsewhere.

    Attributes:
        from: Share of `total_steps` after which steps look elsewhere; until then they are AdamW's, bit for bit. 0 for
            all steps, 1 for none.
    """

    start: float = Field(default=0.85, ge=0, le=1, alias="from")

    @model_serializer(mode="wrap")
    def _write(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write `from` under its name in a configuration, which is a word of Python's."""
        return {"from" if key == "start" else key: value for key, value in write(self).items()}

    @property
    def needs_length(self) -> bool:
        """Whether it depends on `total_steps`."""
        return self.start > 0 or super().needs_length

    def is_sharp(self, step: int) -> bool:
        """Return whether update number `step` looks elsewhere.

        Raises:
            ConfigError: If that depends on `total_steps`, and it is not known.
        """
        return step > self.plain_steps()

    def plain_steps(self) -> int:
        """Return the number of the last update that is AdamW's.

        Raises:
            ConfigError: If it depends on `total_steps`, and that is not known.
        """
        return 0 if self.start == 0 else int(round(self.start * self.planned_steps(), 6))

    def build(self, named: Mapping[str, Parameter]) -> Optimizer:
        """Make AdamW.

        Raises:
            ConfigError: If a parameter is in a format of 16 bits, whose small steps would be rounded away.
        """
        rough = [name for name, parameter in named.items() if torch.finfo(parameter.dtype).bits < 32]
        if rough:
            raise ConfigError(
                f"optimizer.method {self.method} needs parameters of 32 bits or more, found {rough[0]} in "
                f"{named[rough[0]].dtype}; keep them in float32 and compute under autocast (training.precision)"
            )
        return super().build(named)
