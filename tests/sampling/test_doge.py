"""DoGE: a slow transcription, clipping, the average."""

import math

import numpy as np
import pytest

from catscale.errors import ConfigError
from catscale.sampling import DoGE, Sampler

SIZES = {"en-az": 10, "en-be": 30, "en-fr": 60}


@pytest.mark.parametrize("average", [False, True])
def test_a_slow_transcription(average: bool) -> None:
    sampler = Sampler(DoGE(interval=1, rate=0.3, average=average, floor=0.02, temperature=2), SIZES)
    rng, q, all_p = np.random.default_rng(0), [math.sqrt(size) for size in SIZES.values()], []
    for _ in range(12):
        rewards = rng.normal(1, 3, 3).tolist()
        sampler.update(dict(zip(SIZES, rewards, strict=True)))
        q = [share * math.exp(0.3 * min(5, max(0, reward))) for share, reward in zip(q, rewards, strict=True)]
        q = [share / sum(q) for share in q]
        all_p.append([0.02 + 0.94 * share for share in q])
        expected = np.mean(all_p, 0) if average else all_p[-1]
        assert sampler.probabilities(1) == pytest.approx(expected, rel=1e-10)


def test_it_asks_for_products_with_the_others() -> None:
    assert DoGE().for_training(500).request.against == "others"
    assert DoGE().for_training(500).request.interval == 20
    with pytest.raises(ConfigError, match=r"sampling.interval follows from the length of the training"):
        _ = DoGE().request
