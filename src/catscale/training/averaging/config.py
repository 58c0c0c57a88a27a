"""The section `training.average`."""

from typing import Self

from pydantic import Field, model_validator

from catscale.settings import Settings
from catscale.training.averaging.places import EMA, LAST


class AverageSettings(Settings):
    """Averages of the parameters that are scored at each validation, beside the parameters themselves.

    Attributes:
        last: K, the mean of the parameters at the present and the K − 1 validations before it, at equal weights; None
            for none.
        ema: d, the mean of the parameters after every update, the weight of one that is n updates old in proportion to
            d^n; None for none.
    """

    last: int | None = Field(default=None, ge=2, le=1000)
    ema: float | None = Field(default=None, gt=0, lt=1, allow_inf_nan=False)

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.last is None and self.ema is None:
            raise ValueError("neither last nor ema is given; give one or both, as in {last: 5, ema: 0.999}, or null")
        return self

    @property
    def earlier(self) -> int:
        """The number of validations before the present one whose models `last` takes in; 0 where it is none."""
        return 0 if self.last is None else self.last - 1

    @property
    def bytes_per_parameter(self) -> int:
        """Memory beyond training's: the moving average, and the parameters' copy while an average stands in."""
        return 4 + (4 if self.ema is not None else 0)

    def label(self, kind: str) -> str:
        """Return a kind of model in a few words.

        Example:
            >>> AverageSettings(last=5, ema=0.999).label("ema")
            'EMA 0.999'
        """
        return {LAST: f"last {self.last}", EMA: f"EMA {self.ema}"}.get(kind, "the single model")
