"""The contract between a balancing method and the engine that runs it.

A method is a frozen group of settings and a few functions of what it is shown; it never sees the model:

    init(n_tasks) -> state
    request(state) -> what the coming step must measure
    weights(state, task_ids) -> (K,) weights that the coming step will use, or None if they depend on its signals
    step(state, signals) -> ((K,) weights of this step, next state)

Legend: N tasks, K ≤ N tasks in the step, D shared parameters in P groups, g_n gradient of task n, w_n its weight.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, Self, TypeVar

from torch import Tensor

from catscale.settings import Settings


@dataclass(frozen=True)
class Request:
    """The measurements that one step needs; the engine makes no others.

    Attributes:
        kind: "nothing"; "products" for the K scalars ⟨g_n, Σ w_k g_k⟩, which needs weights that are known before
            the step; "norms" for the K norms ‖g_n‖; "gramian" for all K × K products ⟨g_i, g_j⟩.
        group: Name of the group of parameters that "norms" and "gramian" are measured over; "last" is the last one
            that the engine was given (all shared parameters where it was given none), None means all of them.
        per_group: "gramian" of every group by itself; the method answers with weights (P, K), one row per group.
        halves: The squares ‖g_n‖² (the diagonal of "gramian", and their part in "products") without the noise's
            share, from two independent halves of the sub-batches of each task, see
            `catscale.balancing.engine.unbiased`.
        metric: The metric of products and norms: "euclidean", or "adam" for ⟨g, P⁻¹ h⟩, P the root of the second
            moments of the optimiser that moves the parameters, see `catscale.balancing.engine.adam_metric`.
    """

    kind: Literal["nothing", "products", "norms", "gramian"] = "nothing"
    group: str | None = None
    per_group: bool = False
    halves: bool = False
    metric: Literal["euclidean", "adam"] = "euclidean"


@dataclass(frozen=True)
class Signals:
    """The signals that one step shows to a method: gradients are unscaled, unclipped, summed over the parts of the step
    and over all processes; products are those of the metric that was asked for.

    Attributes:
        task_ids: (K,) int64, the position of each present task in the list of all N tasks.
        losses: (K,) float64, one loss per task, nats per target token.
        gramian: (K, K) float64, or (P, K, K) where it was asked for per group: `G_ij = <g_i, g_j>`.
        products: (K,) float64, `<g_n, Σ w_k g_k>` with the weights that `weights` gave.
        norms: (K,) float64, `‖g_n‖`.

    What the method did not ask for is None.
    """

    task_ids: Tensor
    losses: Tensor
    gramian: Tensor | None = None
    products: Tensor | None = None
    norms: Tensor | None = None


@dataclass(frozen=True)
class State:
    """Base of the states: a frozen dataclass of tensors and integers, indexed by task id, on the CPU."""


S = TypeVar("S", bound=State)


class Method(Protocol[S]):
    """A balancing method (see the module's docstring for its functions).

    `losses` names what the toolkit's training loop feeds as L_n: "tasks" is the mean over the target tokens of
    task n, "tokens" is the sum over them divided by the tokens of all tasks in the step, so that weights of 1 are
    plain training on the sampled mixture.

    A method whose settings name tasks, or whose state has a row per group of parameters, may have
    `bind(tasks, groups) -> Method`, which the engine calls with their names before `init`. One that measures in some
    steps only may have `measures`, the request of these steps: the engine refuses at once what would fail then. One
    whose state can be wrong in ways that its weights do not show may have `is_valid(state) -> bool`, asked where a
    state is read back. One whose `step` does not look at the losses of a step that measures nothing may have
    `reads_losses = False`, and be shown NaN there. `MethodSettings` has all of these as they are where a method leaves
    them out. One that lets curvature cost something may have `price_of_curvature(state, squares, length) -> float`: the
    cost of one unit of ‖Σ w_n g_n‖² with the state before the step, its (K,) ‖g_n‖² and its Σ w_n, for optimisers that
    descend it too.
    """

    @property
    def name(self) -> str:
        """The method's name in configurations and reports."""
        ...

    @property
    def losses(self) -> str:
        """Either "tasks" or "tokens"."""
        ...

    def init(self, n_tasks: int) -> S:
        """Return the state before the first step."""
        ...

    def request(self, state: S) -> Request:
        """Return what the coming step must measure."""
        ...

    def weights(self, state: S, task_ids: Tensor) -> Tensor | None:
        """Return the (K,) float64 weights of the coming step, or None when `step` must see the signals first."""
        ...

    def step(self, state: S, signals: Signals) -> tuple[Tensor, S]:
        """Return the (K,) float64 weights of this step (of the gradients, not of the losses) and the state after it.

        Where the request was per group, weights may be (P, K), a row for each group of parameters.
        """
        ...

    def describe(self, state: S) -> dict[str, Any]:
        """Return scalars worth a line in a log: multipliers and the like."""
        ...


class MethodSettings(Settings):
    """The base of settings of a method: the members that a method may leave out, as they are then.

    A method of your own may derive from it, or from nothing.

    Attributes:
        signed: Whether single weights may be negative.
        randomised: Whether the weights of three tasks or more depend on a random order, drawn for the ids.
        reads_losses: Whether `step` looks at the losses of a step that measures nothing; where it does not, they may be
            read while the device computes the next step.
        precision: Relative error of the weights' solver.
    """

    method: str
    signed: ClassVar[bool] = False
    randomised: ClassVar[bool] = False
    reads_losses: ClassVar[bool] = True
    precision: ClassVar[float] = 1e-6

    @property
    def name(self) -> str:
        """The method's name in configurations and reports."""
        return self.method

    @property
    def measures(self) -> Request | None:
        """The request of the steps that measure; None for that of the first step."""
        return None

    def for_data(self, sizes: Mapping[str, int]) -> Self:
        """Return the settings with those filled in that follow from the data.

        Args:
            sizes: Training pairs by task.
        """
        return self

    def bind(self, tasks: Sequence[str], groups: Sequence[str]) -> Self:
        """Return the settings for tasks and groups of parameters of these names."""
        return self

    def is_valid(self, state: Any) -> bool:
        """Return whether a state that was read back can be one of the method's, beyond what its weights show."""
        return True
