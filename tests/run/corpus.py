"""Token pairs in memory, with the interface of `catscale.data.store.store.Pairs`."""

from typing import Any

import numpy as np
import torch

from catscale.data.direction import Direction
from catscale.data.store.sentences import Sentences
from catscale.sampling import Sampler, TemperatureSampling
from catscale.sampling.contract import FixedShares, Sampling


class RandomPairs:
    def __init__(self, sources: list[np.ndarray], targets: list[np.ndarray]) -> None:
        self.sources, self.targets = sources, targets
        self.source_lengths = np.array([len(ids) for ids in sources], dtype=np.int32)
        self.target_lengths = np.array([len(ids) for ids in targets], dtype=np.int32)

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def target_tokens(self) -> int:
        return int(self.target_lengths.sum())

    def lengths(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.source_lengths[indices], self.target_lengths[indices]

    def take(self, indices: np.ndarray) -> tuple[Sentences, Sentences]:
        sources, targets = ([side[int(n)] for n in indices] for side in (self.sources, self.targets))
        return Sentences.join(sources), Sentences.join(targets)

    def source(self, index: int) -> np.ndarray:
        return self.sources[index]

    def target(self, index: int) -> np.ndarray:
        return self.targets[index]


class TagsOnly:
    """A vocabulary of 100 pieces."""

    eos_id, pad_id, bos_id, size = 2, 1, 0, 110

    def tag(self, language: str) -> int:
        return 100 + sum(map(ord, language)) % 10


VOCABULARY: Any = TagsOnly()


def random_pairs(count: int, seed: int, shortest: int = 1, longest: int = 30) -> Any:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(shortest, longest + 1, (count, 2))
    lengths[:, 1] = np.clip(lengths[:, 0] + rng.integers(-3, 4, count), shortest, None)
    sides = [[rng.integers(4, 100, n).astype(np.uint16) for n in lengths[:, side]] for side in (0, 1)]
    return RandomPairs(*sides)


def tasks_of(sizes: dict[str, int], shortest: int = 1, longest: int = 30) -> dict[Direction, Any]:
    return {
        Direction("en", language): random_pairs(size, seed, shortest, longest)
        for seed, (language, size) in enumerate(sizes.items())
    }


def sampler_of(tasks: dict[Direction, Any], method: Sampling) -> Sampler:
    return Sampler(method, {str(direction): len(pairs) for direction, pairs in tasks.items()})


def given_shares(tasks: dict[Direction, Any], shares: list[float]) -> Sampler:
    """A sampler of fixed probabilities."""
    sampler = sampler_of(tasks, TemperatureSampling())
    sampler.state = FixedShares(torch.tensor(shares, dtype=torch.float64))
    return sampler
