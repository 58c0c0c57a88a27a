"""What is told before a run begins."""

from typing import Any

import pytest
import torch

from catscale.balancing import TaskBalancer
from catscale.balancing.methods.cats import CATS
from catscale.balancing.methods.fixed import Fixed
from catscale.optimisation.adamw import AdamW
from catscale.optimisation.contract import OptimizerSettings
from catscale.run.forecast import forecast, tasks_in_steps
from catscale.sampling import TemperatureSampling
from catscale.training.config import TrainingConfig
from catscale.training.stream import MixtureStream, count_tokens
from tests.run.corpus import VOCABULARY, sampler_of, tasks_of

BRISK = AdamW(warmup_steps=40)
NINE = {f"x{number}": 400 for number in range(9)}


def told(
    sizes: dict[str, int], dev: int = 1, method=None, optimizer: OptimizerSettings = BRISK, **settings: object
) -> list[str]:
    """The lines, of a run that has nothing wrong but what is given."""
    given: dict[str, Any] = {"max_steps": 500, "batch_tokens": 1024, "validate_every": 100}
    training = TrainingConfig(**(given | settings))
    tasks = tasks_of(sizes)
    stream = MixtureStream(
        tasks, sampler_of(tasks, TemperatureSampling(temperature=100)), VOCABULARY, training.sub_batches,
        training.pass_tokens, 1,
    )  # fmt: skip
    parameters = [torch.nn.Parameter(torch.zeros(2))]
    balancer = TaskBalancer(method or CATS(), [str(task) for task in tasks], parameters)
    lines: list[str] = []
    forecast(tasks, stream, training, optimizer, tasks_of(dict.fromkeys(sizes, dev)), balancer, lines.append)
    return lines


def test_a_step_that_holds_two_tasks_of_nine():
    """A step of 1,024 tokens has two sub-batches of 512, which is what was found."""
    [line] = told(NINE)
    assert line.startswith("warning: a step holds 2.0 of the 9 tasks on average, 2 at least: balancing.method cats ")
    assert "(now 1024 / 512 = 2 sub-batches per step, each of one task)" in line
    assert told(NINE, method=Fixed()) == ["a step holds 2.0 of the 9 tasks on average, 2 at least"]
    [line] = told(NINE, sub_batch_tokens=32, max_steps=1000)
    assert line == "a step holds 9.0 of the 9 tasks on average, 9 at least"
    assert told({"az": 300}) == []


def test_the_count_is_that_of_the_steps_that_are_taken():
    tasks = tasks_of({"az": 200, "be": 900, "fr": 4000})
    stream = MixtureStream(tasks, sampler_of(tasks, TemperatureSampling(temperature=1)), VOCABULARY, 4, 128, 7)
    counts = tasks_in_steps(stream, 200)
    taken = [len(stream.take(step)) for step in range(1, 201)]
    assert sum(counts) == pytest.approx(sum(taken), rel=0.03)
    assert set(counts) <= {1, 2, 3}


def test_a_warm_up_as_long_as_the_training():
    [_, line] = told(NINE, method=Fixed(), optimizer=AdamW(warmup_steps=500))
    assert line.startswith("warning: optimizer.warmup_steps is 500, and the training ends after 500 steps, before the")
    assert "to 50 for example" in line
    assert len(told(NINE, method=Fixed(), optimizer=AdamW(warmup_steps=499))) == 1
    slow = AdamW(warmup_steps=500)
    assert len(told(NINE, method=Fixed(), optimizer=slow, max_minutes=3)) == 1  # how many steps, nobody knows


def test_a_course_that_ends_long_before_the_training():
    [_, line] = told(NINE, method=Fixed(), optimizer=AdamW(schedule="cosine", warmup_steps=40, total_steps=200))
    assert line.startswith("warning: optimizer.schedule cosine is planned over optimizer.total_steps = 200, and the")
    assert line.endswith("at step 500; set total_steps to 500, or null")
    for steps in (500, 900):
        assert len(told(NINE, method=Fixed(), optimizer=AdamW(schedule="cosine", total_steps=steps))) == 1


def test_epochs_below_one_by_direction():
    [_, line] = told({"az": 300, "fr": 90_000}, method=Fixed())
    assert line.startswith("warning: in 500 steps the data of en-fr 0.1")
    assert "en-az" not in line
    many = {f"x{number}": 20_000 for number in range(9)}
    assert "and 3 more are not seen once" in told(many, method=Fixed())[1]


def test_a_dev_set_that_costs_as_much_as_the_steps_between_its_validations():
    [_, line] = told(NINE, dev=1000, method=Fixed())
    tokens = sum(count_tokens(split) for split in tasks_of(dict.fromkeys(NINE, 1000)).values())
    assert line.startswith(f"warning: a validation of 9,000 dev pairs costs as much as about {tokens / 3072:.0f} steps")
    assert "and comes every 100; set training.validate_sentences" in line
    assert len(told(NINE, dev=1000, method=Fixed(), validate_every=1000, max_steps=4000)) == 1
