"""Dropout by repetition: a task's passes drop more, the more often the run has gone through its training pairs.

Source: ours. Legend: N tasks; p₀ the model's dropout, p₁ the most, E₀ the epochs before it rises, R those over which.

    p_n = p₀ + (p₁ − p₀) (1 − e^(−(epochs_n − E₀)₊ / R))
"""

import math

from pydantic import Field

from catscale.settings import Settings


class RepeatedDropout(Settings):
    """Dropout of embeddings and sub-layer outputs by task, which rises with its epochs.

    Attributes:
        most: p₁, which a task that is repeated for ever tends to; above the model's own dropout.
        after_epochs: E₀, epochs of a task up to which its dropout is the model's.
        over_epochs: R, epochs beyond these in which it rises by 1 − 1/e of the way.

    Example:
        >>> round(RepeatedDropout(most=0.5, after_epochs=1, over_epochs=10).share(0.1, 11), 4)
        0.3528
    """

    most: float = Field(default=0.5, gt=0, lt=1)
    after_epochs: float = Field(default=1.0, ge=0, le=1e6)
    over_epochs: float = Field(default=10.0, gt=0, le=1e6)

    def share(self, first: float, epochs: float) -> float:
        """Return p_n of a task whose pairs the run has gone through `epochs` times, where the model's is `first`."""
        beyond = max(0.0, epochs - self.after_epochs)
        return first + (self.most - first) * (1 - math.exp(-beyond / self.over_epochs))
