"""The gradient of a step, and the same objective's gradient at other parameters, as optimisers ask for them."""

import torch

from catscale.balancing import BalancedStep, TaskBalancer
from catscale.balancing.engine.generators import RandomState
from catscale.training.step_losses import StepLosses


class StepDescent:
    """One step's descent, see `catscale.optimisation.contract.Descent`.

    Args:
        balancer: Combines the gradients, and finds the weights once.
        prepared: The losses of the step.
        device: The device of the model, whose random numbers dropout draws.
    """

    def __init__(self, balancer: TaskBalancer, prepared: StepLosses, device: torch.device) -> None:
        self.balancer, self.prepared, self.device = balancer, prepared, device
        self._before: RandomState | None = None

    def __call__(self) -> BalancedStep:
        """Leave Σ w_n g_n in `.grad`, and move the balancing method's state.

        Raises:
            DivergedError: On a loss or gradient that is not finite.
        """
        self._before = RandomState.capture(self.device)
        return self.balancer.backward(self.prepared.losses, tokens=self.prepared.tokens)

    def repeat(self) -> None:
        """Leave it there for the parameters as they are now: same weights, sub-batches and dropout masks.

        Raises:
            DivergedError: On a loss or gradient that is not finite.
        """
        after = RandomState.capture(self.device)
        if self._before is not None:
            self._before.restore()
        try:
            self.balancer.repeat(self.prepared.losses, tokens=self.prepared.tokens)
        finally:
            after.restore()
