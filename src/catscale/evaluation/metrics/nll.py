"""NLL: nats per target token that the model gives to the references."""

from typing import ClassVar, Literal

import numpy as np

from catscale.evaluation.metrics.contract import Floats, Metric, Segments


class Nll(Metric):
    """NLL = Σ −ln p / Σ target tokens, of the references; `catscale.evaluation.nll` measures it."""

    label: ClassVar[str] = "NLL"
    digits: ClassVar[int] = 3
    higher_is_better: ClassVar[bool] = False
    unit: ClassVar[str] = "nats per token"
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))
    kept: ClassVar[tuple[str, ...]] = ("nats", "tokens")
    of_model: ClassVar[bool] = True

    method: Literal["nll"] = "nll"

    def count(self, segments: Segments) -> Floats:
        """Return NaN: the translations do not tell what their model gives to the references."""
        return np.full((len(segments.references), 2), np.nan)

    def from_sums(self, sums: Floats) -> Floats:
        """Return nats per target token."""
        nats, tokens = sums[..., 0], sums[..., 1]
        scores: Floats = nats / tokens
        return scores

    def sign(self, segments: Segments) -> str:
        """Return nothing: the model and its vocabulary say how it was measured."""
        return ""
