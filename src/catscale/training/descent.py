"""The gradient of a step, and the same objective's gradient at other parameters, as optimisers ask for them."""

from collections.abc import Mapping

from torch import Tensor

from catscale.balancing import BalancedStep
from catscale.balancing.engine.generators import RandomState
from catscale.balancing.engine.optional_members import read_price
from catscale.training.setup import TrainingSetup
from catscale.training.step_losses import StepLosses
from catscale.training.task_descent import StepTasks


class StepDescent:
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
        self._state = self.balancer.state
        self._seen: BalancedStep | None = None

    def __call__(self) -> BalancedStep:
        """Leave Σ w_n g_n in `.grad`, and move the balancing method's state.

        Raises:
            DivergedError: On a loss or gradient that is not finite.
        """
        self._before = RandomState.capture(self.device)
        step = self.prepared
        self._seen = self.balancer.backward(step.losses, tokens=step.tokens, batch=step.batch)
        return self._seen

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
            self.balancer.repeat(step.losses, tokens=step.tokens, batch=step.batch)
        finally:
            after.restore()

    def apart(self) -> StepTasks:
        """Return the step's tasks one by one."""
        return StepTasks(self.setup, self.prepared, self.named)

    def price_of_curvature(self) -> float | None:
        """Return what the balancing method let ‖Σ w_n g_n‖² cost in the call; None where it did not measure the step.

        It is the price with which the weights of the call were found.
        """
        norms = None if self._seen is None else self._seen.gradient_norms
        if self._seen is None or norms is None:
            return None
        squares, length = [norm**2 for norm in norms.values()], sum(self._seen.weights.values())
        return read_price(self.balancer.method, self._state, squares, length)
