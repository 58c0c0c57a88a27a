"""The common part of the methods that need the lengths of the task gradients."""

from torch import Tensor

from catscale.balancing.contract import Signals
from catscale.errors import DivergedError


def finite_norms(signals: Signals) -> Tensor:
    """Return (K,) float64 norms on the CPU.

    Raises:
        ValueError: If the step was not measured.
        DivergedError: If one is not finite.
    """
    if signals.norms is None:
        raise ValueError("this step needs the gradients' norms, found none; measure what request() asks for")
    norms = signals.norms.double().cpu()
    if not norms.isfinite().all():
        raise DivergedError(
            f"gradient norms must be finite, found {norms.tolist()} for the tasks with ids "
            f"{signals.task_ids.tolist()}; lower the learning rate or look at the data of these tasks"
        )
    return norms
