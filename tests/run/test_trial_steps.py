"""The lines of a dry run; the steps themselves are taken in `tests/cli/test_dry_run.py`."""

from types import SimpleNamespace

import pytest
import torch

from catscale.run.trial_steps import TrialResult, describe_size, describe_time, try_steps
from catscale.training.config import TrainingConfig
from tests.unchecked import unchecked

FOUND = TrialResult(seconds=0.5, peak=3 << 30, available=8 << 30, device="cpu")


class Steps:
    """A trainer of which each step takes a second of its own clock, the first one ten."""

    def __init__(self) -> None:
        self.taken = 0
        self.processes = SimpleNamespace(device=torch.device("cpu"))
        self.now = 0.0

    def settle(self):
        self.settled = self.taken

    def step(self) -> None:
        self.now += 1.0 if self.taken else 10.0
        self.taken += 1

    def clock(self) -> float:
        return self.now


def test_the_first_step_is_not_measured(monkeypatch):
    trainer = Steps()
    monkeypatch.setattr("catscale.run.trial_steps.time.perf_counter", trainer.clock)
    found = try_steps(unchecked(trainer))
    assert (trainer.taken, trainer.settled, found.seconds, found.device) == (4, 4, 1.0, "cpu")
    assert found.peak > 10 << 20


def setup(frozen: bool):
    model = torch.nn.Linear(1024, 1024, bias=False)
    trained = {} if frozen else {"weight": model.weight}
    return unchecked(SimpleNamespace(model=model, trainable_parameters=lambda: trained))


def test_size():
    parameters, memory = describe_size(setup(frozen=False), FOUND)
    assert parameters == "parameters: 1,048,576"
    assert memory.startswith("memory: 16 MiB for parameters, gradients and AdamW's moments; 3.0 GiB held by the whole")
    assert memory.endswith("of 8.0 GiB that can be had")
    parameters, memory = describe_size(setup(frozen=True), TrialResult(1.0, 1000, None, "cuda:0"))
    assert parameters == "parameters: 1,048,576, of which 0 are trained"
    assert memory == (
        "memory: 4 MiB for parameters, gradients and AdamW's moments; under 1 MiB held in the device's memory at "
        "most in these steps"
    )


def test_time():
    training = TrainingConfig(max_steps=7_000, validate_every=1_000)
    step, whole = describe_time(training, FOUND, validation=200, measures=False)
    assert step == "a step takes 0.5 s on cpu (3 steps measured after 1)"
    assert whole == "time: about 70 min for 7,000 steps and 7 validations, about 12 min of it for these"


def test_time_within_a_bound():
    training = TrainingConfig(max_minutes=10, validate_every=100, validate_bleu=5)
    lines = describe_time(training, FOUND, validation=100, measures=True)
    assert lines[1] == "time: about 600 steps in the 10 minutes of training.max_minutes"
    assert lines[2:] == [
        "note: the balancing method measures gradients in some steps, which take longer",
        "note: the translations of training.validate_bleu come on top",
    ]


@pytest.mark.parametrize("steps", [1, 1_000])
def test_there_is_a_validation_at_the_end(steps):
    training = TrainingConfig(max_steps=steps, validate_every=1_000)
    found = describe_time(training, FOUND, 0, False)[1]
    assert f"for {steps:,} step{'s' * (steps > 1)} and 1 validation, " in found
    assert found.endswith(" of it for this")
