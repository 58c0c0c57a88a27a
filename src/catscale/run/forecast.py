"""Forecasts of a run before it begins: the number of tasks per step, and settings that do not suit its length."""

from collections.abc import Mapping, Sequence

import numpy as np

from catscale.balancing import TaskBalancer
from catscale.balancing.engine.optional_members import read_measures
from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.optimisation.contract import OptimizerSettings
from catscale.run.mixture import make_mixture_rows
from catscale.system.console.messages import Say
from catscale.system.console.numbers import count_things, name_some
from catscale.training.config import TrainingConfig
from catscale.training.stream import MixtureStream, count_tokens

LOOKED_AT = 1000
"""Steps whose tasks are counted."""
FORWARD = 1 / 3
"""Cost of a target token in validation over that in training, which has a backward pass of twice the cost beside it."""
MUCH = 0.25
"""Share of a run's computing that validation may take before it is worth a word."""
NAMED = 6
"""Directions that a line names."""


def forecast(
    tasks: Mapping[Direction, Pairs],
    stream: MixtureStream,
    training: TrainingConfig,
    optimizer: OptimizerSettings,
    validation: Mapping[Direction, Pairs],
    balancer: TaskBalancer,
    say: Say,
) -> None:
    """Say how many tasks a step holds, and warn once of what does not suit the length of the training.

    Args:
        tasks: Training pairs by direction.
        stream: The stream of the run.
        training: The settings of training.
        optimizer: The optimiser of the run.
        validation: The held-out pairs that a validation takes.
        balancer: The balancer of the run.
        say: Receives lines.
    """
    counts = tasks_in_steps(stream, min(training.max_steps, LOOKED_AT))
    measuring = read_measures(balancer.method, balancer.request).kind != "nothing"
    lines = [*tasks_line(counts, len(tasks), balancer.method.name, measuring, training)]
    if training.max_minutes is None:
        rows = make_mixture_rows(dict(tasks), stream, training.max_steps)
        lines += rate_warnings(optimizer, training.max_steps)
        lines += epochs_warning({str(row["direction"]): float(row["epochs"]) for row in rows}, training.max_steps)
    lines += validation_warning(validation, training)
    for line in lines:
        say(line)


def tasks_in_steps(stream: MixtureStream, steps: int) -> list[int]:
    """Count the different tasks that each of the first steps draws, by the sampler's present probabilities."""
    return [len(set(stream.choose_tasks(step).tolist())) for step in range(1, steps + 1)]


def tasks_line(
    counts: Sequence[int], n_tasks: int, method: str, measuring: bool, training: TrainingConfig
) -> list[str]:
    """Say how many tasks a step holds, if there are several; warn if a method sees only some of them."""
    if n_tasks == 1:
        return []
    mean, least = float(np.mean(counts)), min(counts)
    line = f"a step holds {mean:.1f} of the {n_tasks} tasks on average, {least} at least"
    if least == n_tasks or not measuring:
        return [line]
    sub = training.pass_tokens
    return [
        f"warning: {line}: balancing.method {method} compares only those that are in the same step; for all of them, "
        f"raise training.batch_tokens, or lower training.sub_batch_tokens (now {training.batch_tokens} / {sub} = "
        f"{training.sub_batches} sub-batches per step, each of one task)"
    ]


def rate_warnings(optimizer: OptimizerSettings, steps: int) -> list[str]:
    """Warn where the learning rate never reaches its peak, or is 0 long before the end.

    Args:
        optimizer: The optimiser of the run.
        steps: Updates of the training.
    """
    lines = []
    if optimizer.warmup_steps >= steps:
        lines.append(
            f"warning: optimizer.warmup_steps is {optimizer.warmup_steps}, and the training ends after "
            f"{count_things(steps, 'step')}, before the learning rate reaches its peak; lower it, "
            f"to {max(1, steps // 10)} for example"
        )
    if optimizer.factor(steps) == 0:
        lines.append(
            f"warning: optimizer.schedule {optimizer.schedule} is planned over optimizer.total_steps = "
            f"{optimizer.total_steps}, and the learning rate is 0 from there to the end of the training at step "
            f"{steps}; set total_steps to {steps}, or null"
        )
    return lines


def epochs_warning(epochs: Mapping[str, float], steps: int) -> list[str]:
    """Name the directions whose data are not seen once."""
    short = {name: value for name, value in epochs.items() if value < 0.995}
    if not short:
        return []
    named = name_some([f"{name} {value:.2g}" for name, value in short.items()], NAMED)
    return [
        f"warning: in {count_things(steps, 'step')} the data of {named} are not seen once (epochs below 1); "
        "raise training.max_steps or batch_tokens, unless that is meant"
    ]


def validation_warning(validation: Mapping[Direction, Pairs], training: TrainingConfig) -> list[str]:
    """Warn if validation takes a large part of the computing."""
    pairs = sum(len(split) for split in validation.values())
    every = min(training.validate_every, training.max_steps)
    worth = validation_steps(validation, training)
    if worth <= MUCH * every:
        return []
    return [
        f"warning: a validation of {pairs:,} dev pairs costs as much as about {worth:,.0f} steps, and comes every "
        f"{every:,}; set training.validate_sentences to validate on a part of each dev set, or raise "
        "training.validate_every"
    ]


def validation_steps(validation: Mapping[Direction, Pairs], training: TrainingConfig) -> float:
    """Return how many steps of training cost as much as a validation, without translations."""
    return sum(count_tokens(split) for split in validation.values()) * FORWARD / training.batch_tokens
