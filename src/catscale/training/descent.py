"""The gradient of a step, and the same objective's gradient at other parameters, as optimisers ask for them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isnan
from typing import Generic, NoReturn, TypeVar

from torch import Tensor

from catscale.balancing import BalancedStep
from catscale.balancing.engine.balanced_step import GradientMeasurement
from catscale.balancing.engine.deferred_step import DeferredStep
from catscale.balancing.engine.generators import RandomState
from catscale.balancing.engine.optional_members import read_price
from catscale.balancing.engine.reading import GradientNorms
from catscale.distributed.sharding import is_sharded
from catscale.errors import ConfigError
from catscale.model.autocast import keep_casts
from catscale.training.setup import TrainingSetup
from catscale.training.step_losses import StepLosses
from catscale.training.task_descent import StepTasks

Looked = TypeVar("Looked")


class BaseDescent(ABC, Generic[Looked]):
    """One step's descent, see `catscale.optimisation.contract.Descent`.

    Args:
        setup: The run's parts: its balancer combines the gradients, and finds the weights once.
        prepared: The losses of the step.
        named: The trainable parameters by name.
    """

    def __init__(self, setup: TrainingSetup, prepared: StepLosses, named: Mapping[str, Tensor]) -> None:
        self.setup, self.balancer, self.prepared, self.named = setup, setup.balancer, prepared, named
        self.device = setup.processes.device  # whose random numbers dropout draws
        self._before: RandomState | None = None
        self._casts_once = False
        self._state = self.balancer.state
        self._norms: GradientNorms | None = None

    def __call__(self) -> Looked:
        """Leave Σ w_n g_n in `.grad`, and move the balancing method's state.

        Raises:
            DivergedError: On a loss or gradient that is not finite, where these are read.
        """
        self._before = RandomState.capture(self.device)
        is_at_once = self.balancer.request.kind == "nothing" and any(map(isnan, self.balancer.weights.values()))
        self._casts_once = not (is_at_once or is_sharded(self.setup.model))
        with self._casting_once():
            return self._look(self.prepared)

    @abstractmethod
    def _look(self, step: StepLosses) -> Looked:
        """Run the balancer's step."""

    def repeat(self) -> None:
        """Leave it there for the parameters as they are now: same weights, sub-batches and dropout masks.

        Raises:
            DivergedError: On a loss or gradient that is not finite.
        """
        after = RandomState.capture(self.device)
        if self._before is not None:
            self._before.restore()
        step = self.prepared
        try:
            with self._casting_once():
                repeated = self.balancer.repeat(step.losses, tokens=step.tokens, batch=step.batch, plan=step.plan)
            self._norms = repeated.norms
        finally:
            after.restore()

    @contextmanager
    def _casting_once(self) -> Iterator[None]:
        """Return a context in which parameters are cast once for all passes.

        Not where all passes come before one backward pass, nor of a sharded model, whose parameters come and go.
        """
        if not self._casts_once:
            yield
            return
        with keep_casts(self.device), self.prepared.kept_casts():
            yield

    def norm(self, parameters: Sequence[Tensor]) -> Tensor | None:
        """Return ‖g‖ over some parameters, found when their gradients were looked at; None where it was not."""
        known = None if is_sharded(self.setup.model) else self._norms  # a process knows its shards' alone
        return None if known is None else known.over(parameters)

    def price_of_curvature(self) -> float | None:
        """Return what the balancing method let ‖Σ w_n g_n‖² cost in the call; None where it did not measure the step.

        It is the price with which the weights of the call were found.
        """
        return None


class StepDescent(BaseDescent[BalancedStep]):
    """The descent of a step whose numbers are read at once.

    Args:
        setup, prepared, named: As of `BaseDescent`.
        measured: The gradients that were measured apart from the step; None where it measures its own, or nothing.
    """

    def __init__(
        self,
        setup: TrainingSetup,
        prepared: StepLosses,
        named: Mapping[str, Tensor],
        measured: GradientMeasurement | None = None,
    ) -> None:
        super().__init__(setup, prepared, named)
        self.measured = measured
        self._seen: BalancedStep | None = None

    def _look(self, step: StepLosses) -> BalancedStep:
        self._seen = self.balancer.backward(
            step.losses,
            tokens=step.tokens,
            batch=step.batch,
            report=step.pack,
            measured=self.measured,
            plan=step.plan,
        )
        self._norms = self._seen.norms
        return self._seen

    def apart(self) -> StepTasks:
        """Return the step's tasks one by one."""
        return StepTasks(self.setup, self.prepared, self.named)

    def price_of_curvature(self) -> float | None:
        """Return it, where the step was measured."""
        norms = None if self._seen is None else self._seen.gradient_norms
        if self._seen is None or norms is None:
            return None
        squares, length = [norm**2 for norm in norms.values()], sum(self._seen.weights.values())
        return read_price(self.balancer.method, self._state, squares, length)


class DeferredDescent(BaseDescent[DeferredStep]):
    """The descent of a step whose numbers are read later, see `catscale.training.deferred_reading`."""

    def _look(self, step: StepLosses) -> DeferredStep:
        seen = self.balancer.backward_deferred(
            step.losses, tokens=step.tokens, batch=step.batch, report=step.pack, plan=step.plan
        )
        self._norms = seen.norms
        return seen

    def apart(self) -> NoReturn:
        """Refuse: tasks that are taken one by one are read one by one.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError("the tasks of a step that is read later are not taken one by one; set skips_on_device: False")
