"""The contract between an optimiser and the training loop.

An optimiser is a frozen group of settings and a few functions; it sees parameters and their gradients, never the model:

    build(named parameters) -> torch.optim.Optimizer, each of whose groups has its own peak rate, `initial_lr`
    factor(step) -> what every group's peak rate is multiplied by in that update
    take(optimizer, descent, step) -> what the descent saw; the parameters have moved

A descent is the gradient of one step. Most optimisers ask for it once; one that looks at the loss somewhere else, as
SAM does, moves the parameters, asks for the same objective again, and moves them back; one that treats each task by
itself asks for them one by one (`catscale.optimisation.task_descent`). What must survive a crash is in
the PyTorch optimiser's state, which checkpoints hold by the names of the parameters (`catscale.optimisation.state`);
nothing else is remembered from one step to the next.

Legend: T updates of the whole training.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, ClassVar, Protocol, Self, TypeVar

import torch
from pydantic import AfterValidator, Field
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from catscale.errors import ConfigError
from catscale.optimisation.gradient import clip_gradient
from catscale.optimisation.schedule import SCHEDULES, rate_factor
from catscale.optimisation.task_descent import Shown, TaskDescent
from catscale.settings import LARGE, STEPS, Settings
from catscale.system.named import suggest

Seen = TypeVar("Seen")


class Descent(Protocol[Shown]):
    """The gradient of one step, at the parameters as they are."""

    def __call__(self) -> Shown:
        """Leave the combined gradient in `.grad`: unscaled, unclipped, summed over the step and over all processes.

        Raises:
            DivergedError: On a loss or gradient that is not finite.
        """
        ...

    def repeat(self) -> None:
        """Leave there the gradient of the objective of the call before, at other parameters.

        The objective has the same task weights, sub-batches and random numbers (dropout masks). Nothing else moves:
        afterwards the state of the balancing method and of the random numbers is what the call left.

        Raises:
            DivergedError: On a loss or gradient that is not finite.
        """
        ...

    def apart(self) -> TaskDescent[Shown]:
        """Return the step's tasks one by one, in place of the call."""
        ...

    def norm(self, parameters: Sequence[Tensor]) -> Tensor | None:
        """Return the () norm of the gradient that was left in `.grad`, over some parameters.

        None where it was not found, or may not be finite, unless the step is read later, see `skipping_where`.
        """
        ...

    def price_of_curvature(self) -> float | None:
        """Return what the balancing method lets one unit of ‖Σ w_n g_n‖² cost in the step of the call before.

        None where it did not measure that step. One that knows no such price is refused before training, see
        `OptimizerSettings.needs_price`.
        """
        ...


def _check_schedule(name: str) -> str:
    if name not in SCHEDULES:
        raise ValueError(f"there is no such schedule; {suggest(name, SCHEDULES)}")
    return name


class OptimizerSettings(Settings):
    """Base of the optimisers' settings.

    Attributes:
        learning_rate: Peak, reached after `warmup_steps`.
        schedule: The course after the rise: "inverse_sqrt" falls with the square root of the step, "cosine" and
            "linear" fall to nothing at `total_steps`, "constant" stays.
        warmup_steps: Steps of linear rise.
        total_steps: T, over which what depends on the length of the training is planned; None for
            `training.max_steps`, and a run keeps what it began with.
        clip_norm: Bound of the combined gradient's norm; None for none.
    """

    takes_apart: ClassVar[bool] = False
    """Whether it asks for the tasks one by one (`Descent.apart`), which needs their whole gradients at hand."""
    method: str = ""
    learning_rate: float = Field(default=1e-3, gt=0, le=LARGE, allow_inf_nan=False)
    schedule: Annotated[str, AfterValidator(_check_schedule)] = "inverse_sqrt"
    warmup_steps: int = Field(default=400, ge=0, le=STEPS)
    total_steps: int | None = Field(default=None, ge=1, le=STEPS)
    clip_norm: float | None = Field(default=1.0, gt=0, le=LARGE)

    @property
    def name(self) -> str:
        """The optimiser's name in configurations."""
        return self.method

    @property
    def needs_price(self) -> bool:
        """Whether the balancing method must have a price of curvature."""
        return False

    @property
    def needs_length(self) -> bool:
        """Whether it depends on `total_steps`."""
        return SCHEDULES[self.schedule].has_end

    def for_training(self, steps: int) -> Self:
        """Return the same settings with `total_steps` filled in, where it is needed and not given.

        Args:
            steps: Updates of the training.
        """
        if self.total_steps is not None or not self.needs_length:
            return self
        return self.model_copy(update={"total_steps": steps})

    def planned_steps(self) -> int:
        """Return T.

        Raises:
            ConfigError: If it is not known.
        """
        if self.total_steps is None:
            raise ConfigError(
                "optimizer.total_steps follows from the length of the training, which is not known here; give it, or "
                "call for_training"
            )
        return self.total_steps

    def factor(self, step: int) -> float:
        """Return what peak rates are multiplied by in update number `step`, the first of which is 1.

        Raises:
            ConfigError: If the schedule needs `total_steps`, and it is not known.
        """
        total = self.planned_steps() if SCHEDULES[self.schedule].has_end else None
        return rate_factor(self.schedule, step, self.warmup_steps, total)

    def rate(self, step: int) -> float:
        """Return the learning rate of update number `step`."""
        return self.learning_rate * self.factor(step)

    def build(self, named: Mapping[str, Parameter]) -> Optimizer:
        """Make the PyTorch optimiser; every group has its peak rate under `initial_lr`.

        Args:
            named: The trainable parameters by name.

        Raises:
            ConfigError: If it cannot train them.
        """
        raise NotImplementedError

    def take(self, optimizer: Optimizer, descent: Descent[Seen], step: int) -> Seen:
        """Move the parameters by update number `step`: one descent, clipped.

        Args:
            optimizer: The optimiser that `build` made.
            descent: The gradient of this step.
            step: Number of the update, the first of which is 1.

        Returns:
            What the descent saw at the parameters as they were. Of a step that is read later (it has `spoilt`) that is
            not known yet; only optimisers of which `can_skip_on_device` is true are given one.

        Raises:
            DivergedError: On a loss or gradient that is not finite; parameters and state are as they were.
        """
        seen = descent()
        with skipping_where(optimizer, getattr(seen, "spoilt", None)):
            self.update(optimizer, step, descent.norm(parameters_of(optimizer)))
        return seen

    def update(self, optimizer: Optimizer, step: int, norm: Tensor | None = None) -> None:
        """Clip the gradients that are there, move the parameters by them at the step's rates, and drop them.

        Args:
            optimizer: The optimiser that `build` made.
            step: Number of the update.
            norm: The gradients' norm where it is known, to be finite unless this is a block of `skipping_where`.

        Raises:
            DivergedError: If the gradients' norm is not finite; parameters and state are as they were.
        """
        clip_gradient(parameters_of(optimizer), self.clip_norm, norm)
        factor = self.factor(step)
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def can_skip_on_device(settings: OptimizerSettings, optimizer: Optimizer) -> bool:
    """Return whether an optimiser leaves all alone where the device finds that the gradient is not finite.

    It is one of PyTorch's fused ones, and moves the parameters as `OptimizerSettings.take` does and nowhere else.

    Args:
        settings: Its settings.
        optimizer: The optimiser that they have built.
    """
    own, base = type(settings), OptimizerSettings
    is_plain = own.take is base.take and own.update is base.update
    return is_plain and bool(getattr(optimizer, "_step_supports_amp_scaling", False))


@contextmanager
def skipping_where(optimizer: Optimizer, spoilt: Tensor | None) -> Iterator[None]:
    """Have a fused optimiser move nothing in the block where the device finds that a gradient is not finite.

    Args:
        optimizer: One of PyTorch's fused ones.
        spoilt: () float32 on the device, 1 where nothing is to move, else 0; None where all is known to be finite.
    """
    if spoilt is None:
        yield
        return
    optimizer.__dict__["found_inf"] = spoilt  # where PyTorch's gradient scalers tell them
    try:
        yield
    finally:
        del optimizer.__dict__["found_inf"]


def parameters_of(optimizer: Optimizer) -> list[torch.Tensor]:
    """List the parameters of all groups, in their order."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
