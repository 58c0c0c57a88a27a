"""Rewards of a sampler from gradients of losses: products with validation gradients, or the mixture's, and moments.

Legend: N tasks, M of them with validation data, P parameter tensors; g^a and g^b gradients on two halves of the data.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from catscale.balancing.engine.cosines import cosine
from catscale.balancing.engine.gramian import Scales, gramian
from catscale.errors import DivergedError
from catscale.landscape.gradients import sum_gradients
from catscale.sampling import RewardRequest

TINY = torch.finfo(torch.float64).tiny
RewardGradient = list[Tensor | None]
"""A gradient, a tensor for each parameter, None where it is zero."""
Loss = Callable[[], Tensor]


def measure_requested(
    request: RewardRequest,
    train: Mapping[str, Loss],
    valid: Mapping[str, Loss],
    shares: Sequence[float],
    parameters: Sequence[Tensor],
) -> dict[str, float]:
    """Measure the rewards that a sampler asks for.

    Args:
        request: The request.
        train: A function for each of the N tasks that returns its training loss.
        valid: The validation losses of the M tasks that have one; none where `request.needs_dev` is false.
        shares: (N,) shares of the tasks in the target tokens, of which a mixture consists.
        parameters: P tensors.

    Returns:
        Reward per task of `train`.

    Raises:
        DivergedError: If a gradient is not finite.
    """
    if request.against in ("each", "mean"):
        return measure_rewards(request, train, valid, parameters)
    if request.against == "others":
        return measure_alignment(train, parameters)
    losses = {task: valid.get(task, loss) for task, loss in train.items()}
    return measure_products(losses, shares, parameters, request.unit_length)


def measure_rewards(
    request: RewardRequest, train: Mapping[str, Loss], valid: Mapping[str, Loss], parameters: Sequence[Tensor]
) -> dict[str, float]:
    """Measure R_n = 1/M Σ_j cos(g_n, d_j), or cos(g_n, Σ_j d_j) against the mean.

    Losses are evaluated and differentiated one by one; `.grad` is not touched. Held at a time: the M validation
    gradients, or their sum, and one training gradient. The N rewards do not depend on one another.

    Args:
        request: The request, which says what to compare with.
        train: A function for each of the N tasks that returns its training loss.
        valid: The validation losses of the M ≥ 1 tasks that have one, in the same form.
        parameters: P tensors.

    Returns:
        Reward a task of `train`.

    Raises:
        DivergedError: If a gradient is not finite.
    """
    held: list[RewardGradient] = []
    for task, loss in valid.items():
        row = _measure_gradient("validation", task, loss, parameters)
        if held and request.against == "mean":  # their sum: a cosine does not see that it is not divided by M
            held[0] = [_add(a, b) for a, b in zip(held[0], row, strict=True)]
        else:
            held.append(row)
    rewards = {}
    for task, loss in train.items():
        row = _measure_gradient("training", task, loss, parameters)
        rewards[task] = sum(cosine(row, other) for other in held) / len(held)
    return rewards


def measure_products(
    losses: Mapping[str, Loss], shares: Sequence[float], parameters: Sequence[Tensor], unit_length: bool = False
) -> dict[str, float]:
    """Measure R_n = ⟨g_n, c⟩ / max(‖c‖², Σ a_j² ‖g_j‖²), c = Σ a_j g_j, and 0 where all gradients are zero.

    Losses are evaluated and differentiated one by one; `.grad` is not touched. N gradients are held.

    Args:
        losses: A function for each of the N tasks that returns its loss.
        shares: (N,) a.
        parameters: P tensors.
        unit_length: Whether each g_n is divided by its norm first.

    Returns:
        R_n a task; Σ a_n R_n is 1, or less where gradients are opposed.

    Raises:
        DivergedError: If a gradient is not finite.
    """
    weights = torch.tensor(shares, dtype=torch.float64)
    products = gramian([_measure_gradient("sampled", task, loss, parameters) for task, loss in losses.items()])
    if unit_length:
        norms = products.diagonal().sqrt().clamp(min=TINY)
        products = products / norms / norms[:, None]
    unit = (weights @ products @ weights).maximum(weights.square() @ products.diagonal())
    return dict(zip(losses, (products @ weights / unit.clamp(min=TINY)).tolist(), strict=True))


def measure_alignment(losses: Mapping[str, Loss], parameters: Sequence[Tensor]) -> dict[str, float]:
    """Measure R_n = Σ_{m≠n} ⟨g_n, g_m⟩ / mean ‖g‖, and 0 where all gradients are zero.

    N gradients are held.

    Args:
        losses: A function for each of the N tasks that returns its loss.
        parameters: P tensors.

    Raises:
        DivergedError: If a gradient is not finite.
    """
    products = gramian([_measure_gradient("sampled", task, loss, parameters) for task, loss in losses.items()])
    squares = products.diagonal()
    found = (products.sum(1) - squares) / squares.clamp(min=0).sqrt().mean().clamp(min=TINY)
    return dict(zip(losses, found.tolist(), strict=True))


def measure_moments(
    halves: Mapping[str, tuple[Loss, Loss]], parameters: Sequence[Tensor]
) -> dict[str, tuple[float, float]]:
    """Measure ⟨g^a, g^b⟩ and ½ ‖g^a − g^b‖² of each task.

    The first is an unbiased estimate of the squared norm of the expected gradient, and may be negative; the second one
    of the variance of the gradient of a half, the trace of its covariance. Losses are evaluated and differentiated one
    by one; two gradients are held.

    Args:
        halves: Task → functions that return the mean losses of two independent halves of equal size.
        parameters: P tensors.

    Raises:
        DivergedError: If a gradient is not finite.
    """
    found = {}
    for task, losses in halves.items():
        (aa, ab), (_, bb) = gramian([_measure_gradient("sampled", task, loss, parameters) for loss in losses]).tolist()
        found[task] = float(ab), float(aa + bb - 2 * ab) / 2
    return found


def measure_own_gaps(
    train: Mapping[str, Loss],
    halves: Mapping[str, tuple[Loss, Loss]],
    parameters: Sequence[Tensor],
    scales: Scales,
) -> dict[str, tuple[float, float]]:
    """Measure ⟨g, P⁻¹ ½ (d^a + d^b)⟩ and ⟨d^a, P⁻¹ d^b⟩ of each task with validation data.

    Both are unbiased, for g, d^a and d^b are of independent data. Losses are evaluated and differentiated one by one;
    three gradients are held.

    Args:
        train: Task → a function that returns its training loss.
        halves: Task → functions that return the validation losses of two halves of equal size.
        parameters: P tensors.
        scales: P^(−½), a tensor for each parameter; none for 1.

    Raises:
        DivergedError: If a gradient is not finite.
    """
    found = {}
    for task, (one, two) in halves.items():
        losses = (("training", train[task]), ("validation", one), ("validation", two))
        products = gramian([_measure_gradient(kind, task, loss, parameters) for kind, loss in losses], scales)
        found[task] = float(products[0, 1] + products[0, 2]) / 2, float(products[1, 2])
    return found


def _measure_gradient(kind: str, task: str, loss: Loss, parameters: Sequence[Tensor]) -> RewardGradient:
    """Return the gradient of one loss.

    Raises:
        DivergedError: If it is not finite.
    """
    row = sum_gradients([loss], parameters)
    square = gramian([row]).item()
    if not np.isfinite(square):
        raise DivergedError(
            f"the {kind} gradient of task {task!r}, measured for the sampler, must be finite, found the squared norm "
            f"{square}; lower optimizer.learning_rate or look at the data of that task",
            f"{kind} gradient",
            task,
        )
    return row


def _add(left: Tensor | None, right: Tensor | None) -> Tensor | None:
    return right if left is None else left if right is None else left + right
