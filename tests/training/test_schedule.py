from itertools import pairwise

import pytest
import torch

from catscale.errors import ConfigError
from catscale.training.config import RESUMABLE, TrainingConfig, learning_rate

CPU = torch.device("cpu")


def test_it_rises_in_a_line_and_falls_with_the_root():
    config = TrainingConfig(learning_rate=0.002, warmup_steps=400)
    rates = [learning_rate(config, step) for step in range(1, 2001)]
    assert rates[0] == pytest.approx(0.002 / 400)
    assert rates[199] == pytest.approx(0.001)
    assert max(rates) == rates[399] == pytest.approx(0.002)
    assert rates[1599] == pytest.approx(0.001)
    assert all(a < b for a, b in pairwise(rates[:400]))
    assert all(a > b for a, b in pairwise(rates[399:]))


def test_it_is_the_schedule_of_the_transformer():
    """lrate = d^-½ · min(step^-½, step · warmup^-1.5), scaled to its peak."""
    config = TrainingConfig(learning_rate=512**-0.5 * 4000**-0.5, warmup_steps=4000)
    for step in (1, 17, 4000, 4001, 100_000):
        assert learning_rate(config, step) == pytest.approx(512**-0.5 * min(step**-0.5, step * 4000**-1.5))


def test_without_warmup_it_starts_at_the_peak():
    assert learning_rate(TrainingConfig(learning_rate=0.5, warmup_steps=0), 1) == 0.5


@pytest.mark.parametrize(
    ("tokens", "sub", "expected"),
    [(4096, None, (512, 8)), (8192, None, (1024, 8)), (1024, None, (512, 2)), (256, None, (256, 1)),
     (1536, 512, (512, 3)), (100, 400, (400, 1))],
)  # fmt: skip
def test_sub_batches(tokens, sub, expected):
    config = TrainingConfig(batch_tokens=tokens, sub_batch_tokens=sub)
    assert (config.pass_tokens, config.sub_batches) == expected


def test_what_a_continued_run_may_change_exists():
    assert set(TrainingConfig.model_fields) >= RESUMABLE
    assert not {"seed", "learning_rate", "batch_tokens", "precision"} & RESUMABLE


@pytest.mark.parametrize(
    "setting", [{"learning_rate": float("inf")}, {"learning_rate": 0}, {"label_smoothing": 1}, {"precision": "fp16"}]
)
def test_bounds(setting):
    with pytest.raises(ConfigError):
        TrainingConfig(**setting)
