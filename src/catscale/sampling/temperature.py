"""Temperature sampling over tasks.

Source: Arivazhagan et al., "Massively Multilingual Neural Machine Translation in the Wild", 2019.
Legend: N tasks.
"""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from catscale.errors import ConfigError
from catscale.sampling.contract import FixedSampler, FixedShares
from catscale.settings import LARGE


def temperature_shares(sizes: Sequence[int], temperature: float) -> NDArray[np.float64]:
    """Return p_n ∝ size_n^(1/T).

    Args:
        sizes: N numbers of training pairs, each ≥ 1.
        temperature: T > 0.

    Returns:
        (N,) probabilities that sum to 1.

    Raises:
        ConfigError: If a size or the temperature is out of its range.

    Example:
        >>> temperature_shares([1, 9], 2).tolist()
        [0.25, 0.75]
    """
    if isinstance(sizes, Mapping | str) or not all(isinstance(number, Real) for number in (*sizes, temperature)):
        raise ConfigError(f"shares need a list of numbers and a temperature, found {sizes!r} and {temperature!r}")
    if len(sizes) == 0 or min(sizes) < 1 or not temperature > 0:
        raise ConfigError(
            f"shares need one or more sizes of 1 or more and a temperature above 0, found {list(sizes)} and "
            f"{temperature}; leave out tasks without data"
        )
    logits = np.log(np.asarray(sizes, dtype=np.float64)) / temperature
    weights: NDArray[np.float64] = np.exp(logits - logits.max())
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


class TemperatureSampling(FixedSampler):
    """p_n ∝ size_n^(1/T); cost: none.

    Attributes:
        temperature: T > 0; 1 samples in proportion to the data, 5 is the usual upsampling, 100 is nearly uniform.
    """

    method: Literal["temperature"] = "temperature"
    temperature: float = Field(default=5.0, gt=0, le=LARGE, allow_inf_nan=False)

    def init(self, sizes: Mapping[str, int]) -> FixedShares:
        """Return the probabilities, which never change."""
        return FixedShares(torch.from_numpy(temperature_shares(list(sizes.values()), self.temperature)))
