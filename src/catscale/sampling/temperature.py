"""Temperature sampling over tasks.

Source: Arivazhagan et al., "Massively Multilingual Neural Machine Translation in the Wild", 2019.
Legend: N tasks.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from catscale.settings import Settings


class TemperatureSampling(Settings):
    """p_n ∝ size_n^(1/T).

    Attributes:
        temperature: T > 0; 1 samples in proportion to the data, 5 is the usual upsampling, 100 is nearly uniform.
    """

    method: Literal["temperature"] = "temperature"
    temperature: float = Field(default=5.0, gt=0)

    def probabilities(self, sizes: Sequence[int]) -> NDArray[np.float64]:
        """Sampling probabilities of the tasks.

        Args:
            sizes: N numbers of training pairs, each ≥ 1.

        Returns:
            (N,) probabilities that sum to 1.

        Example:
            >>> TemperatureSampling(temperature=2).probabilities([1, 9]).tolist()
            [0.25, 0.75]
        """
        logits = np.log(np.asarray(sizes, dtype=np.float64)) / self.temperature
        weights: NDArray[np.float64] = np.exp(logits - logits.max())
        probabilities: NDArray[np.float64] = weights / weights.sum()
        return probabilities
