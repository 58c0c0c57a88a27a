import pytest

from catscale.errors import ConfigError
from catscale.training.config import RESUMABLE, TrainingConfig


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
    assert not {"seed", "batch_tokens", "precision"} & RESUMABLE


@pytest.mark.parametrize("setting", [{"max_steps": 0}, {"label_smoothing": 1}, {"precision": "fp16"}])
def test_bounds(setting):
    with pytest.raises(ConfigError):
        TrainingConfig(**setting)
