import pytest
import torch

from catscale.errors import CheckpointError
from catscale.sampling.running_losses import RunningLosses

TASKS = ["en-az", "en-be", "en-fr"]


def test_means_are_of_tokens_since_the_latest() -> None:
    losses = RunningLosses(TASKS)
    losses.add({"en-fr": 6.0, "en-az": 1.0}, {"en-fr": 2, "en-az": 4})
    losses.add({"en-fr": 2.0}, {"en-fr": 2})
    assert losses.take() == {"en-az": 0.25, "en-fr": 2.0}
    losses.add({"en-be": 3.0}, {"en-be": 1})
    assert losses.take() == {"en-be": 3.0}
    assert losses.take() == {}


def test_saved_sums_are_copies() -> None:
    one, two = RunningLosses(TASKS), RunningLosses(TASKS)
    one.add({"en-fr": 6.0}, {"en-fr": 2})
    saved = one.state_dict()
    two.load_state_dict(saved)
    saved["nats"].zero_()
    assert one.take() == two.take() == {"en-fr": 3.0}


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        {"nats": torch.zeros(3, dtype=torch.float64)},
        {"nats": torch.zeros(3, dtype=torch.float64), "tokens": torch.zeros(2, dtype=torch.float64)},
        {"nats": torch.zeros(3), "tokens": torch.zeros(3)},
        {"nats": torch.full((3,), float("nan"), dtype=torch.float64), "tokens": torch.zeros(3, dtype=torch.float64)},
    ],
    ids=range(6),
)
def test_other_sums_are_refused(content: object) -> None:
    with pytest.raises(CheckpointError, match="must hold the sums of losses and tokens of en-az, en-be, en-fr, found"):
        RunningLosses(TASKS).load_state_dict(content)
