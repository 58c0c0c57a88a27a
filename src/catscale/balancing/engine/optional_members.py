"""The members that a method may leave out: read here, with what is taken in their place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catscale.balancing.contract import Method, MethodSettings, Request, State
from catscale.balancing.methods.statistics_settings import StatisticsBatch


def bind_method(method: Method[Any], tasks: Sequence[str], groups: Sequence[str]) -> Method[Any]:
    """Return the method for tasks and groups of parameters of these names; the method itself if it has no `bind`."""
    bind = getattr(method, "bind", None)
    bound: Method[Any] = method if bind is None else bind(tasks, groups)
    return bound


def fill_from_data(method: Method[Any], sizes: Mapping[str, int]) -> Method[Any]:
    """Return the method with what follows from the training pairs by task; itself if it has no `for_data`."""
    fill = getattr(method, "for_data", None)
    filled: Method[Any] = method if fill is None else fill(sizes)
    return filled


def read_measures(method: Method[Any], first: Request) -> Request:
    """Return the request of the steps that measure.

    Args:
        method: Bound to its tasks.
        first: The request of the first step, taken where the method has none of its own.
    """
    found: Request | None = getattr(method, "measures", None)
    return first if found is None else found


def read_statistics_batch(method: Method[Any]) -> StatisticsBatch | None:
    """Return the batch that gradients are measured on apart from the step's; None for the step's own."""
    found: StatisticsBatch | None = getattr(method, "statistics_batch", None)
    return found


def read_group(method: Method[Any]) -> str | None:
    """Return the name of the group of parameters that the settings choose; None for all parameters."""
    group: str | None = getattr(method, "group", None)
    return group


def is_valid_state(method: Method[Any], state: State) -> bool:
    """Return whether a state that was read back can be one of the method's."""
    return bool(getattr(method, "is_valid", lambda _: True)(state))


def reads_losses(method: Method[Any]) -> bool:
    """Return whether a method looks at the losses of a step that measures nothing.

    What it says counts where it was said: a class that has a `step` of its own does not inherit it.
    """
    for owner in type(method).__mro__:
        if "reads_losses" in vars(owner):
            found: bool = getattr(method, "reads_losses", MethodSettings.reads_losses)
            return found
        if "step" in vars(owner):
            break
    return MethodSettings.reads_losses


def has_price(method: Method[Any]) -> bool:
    """Return whether a method knows a price of curvature."""
    return hasattr(method, "price_of_curvature")


def read_price(method: Method[Any], state: State, squares: Sequence[float], length: float) -> float | None:
    """Return what a method lets one unit of ‖Σ w_n g_n‖² cost; None if it knows no price.

    Args:
        method: Bound to its tasks.
        state: The state before the step.
        squares: ‖g_n‖² of the tasks of the step.
        length: Σ w_n of the step.
    """
    find = getattr(method, "price_of_curvature", None)
    return None if find is None else float(find(state, squares, length))


@dataclass(frozen=True)
class Promises:
    """The claims of a method that narrow or widen what `catscale.balancing.checks` checks.

    Attributes:
        signed: Whether single weights may be negative.
        randomised: Whether the weights of three tasks or more depend on a random order.
        precision: Relative error of the weights' solver.
        scale_of_weights: Answer to gradients s times as long: "free" or "inverse"; None for no claim.
    """

    signed: bool
    randomised: bool
    precision: float
    scale_of_weights: str | None


def read_promises(method: Method[Any]) -> Promises:
    """Return what a method claims; the defaults are those of `MethodSettings`."""
    return Promises(
        signed=getattr(method, "signed", MethodSettings.signed),
        randomised=getattr(method, "randomised", MethodSettings.randomised),
        precision=getattr(method, "precision", MethodSettings.precision),
        scale_of_weights=getattr(method, "scale_of_weights", None),
    )
