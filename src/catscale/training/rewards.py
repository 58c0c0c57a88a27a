"""Rewards of a sampler: products of the tasks' gradients with validation gradients, or with the mixture's.

Legend: N tasks, M of them with a dev split, P parameter tensors, D numbers in all of them.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from catscale.balancing.engine.cosines import cosine
from catscale.balancing.engine.gramian import gramian
from catscale.data.batching import collate, plan_batches
from catscale.data.direction import Direction
from catscale.data.store.store import Pairs
from catscale.errors import DivergedError
from catscale.landscape.gradients import sum_gradients
from catscale.model.likelihood import batch_losses
from catscale.sampling import RewardRequest
from catscale.training.setup import TrainingSetup

TINY = torch.finfo(torch.float64).tiny
RewardGradient = list[Tensor | None]
"""A gradient, a tensor for each parameter, None where it is zero."""
Loss = Callable[[], Tensor]


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


class RewardMeter:
    """Measures rewards of a run on one sub-batch of training and one of validation data a task.

    Which ones depends on the seed, the step, and the present epoch of the training data alone; no stream moves. The
    model is in evaluation mode meanwhile: no dropout blurs the comparison, and no random number is drawn, so that what
    follows is the same on whichever process a task is measured.

    Args:
        setup: The run's parts; M directions have held-out pairs.
        parameters: P tensors that gradients are taken of; None for all that are trained.
    """

    def __init__(self, setup: TrainingSetup, parameters: Sequence[Tensor] | None = None) -> None:
        self.config, self.model, self.stream = setup.config, setup.model, setup.stream
        self.parameters = list(setup.trainable_parameters().values()) if parameters is None else parameters
        self.validation, self.autocast = setup.validation, setup.precision.dtype

    def measure(self, request: RewardRequest, step: int) -> dict[str, float]:
        """Measure the reward per task after update number `step`; see `measure_rewards`."""
        was_training = self.model.training
        self.model.eval()
        try:
            train = self._train_losses(step)
            if request.against != "mixture":
                return measure_rewards(request, train, self._valid_losses(step), self.parameters)
            valid = self._valid_losses(step) if request.split == "dev" else {}
            losses = {task: valid.get(task, loss) for task, loss in train.items()}
            return measure_products(
                losses, self.stream.token_shares(step).tolist(), self.parameters, request.unit_length
            )
        finally:
            self.model.train(was_training)

    def _train_losses(self, step: int) -> dict[str, Loss]:
        streams = self.stream.streams
        return {str(s.direction): self._loss(s.direction, s.pairs, s.plan, [step, 0]) for s in streams}

    def _valid_losses(self, step: int) -> dict[str, Loss]:
        losses = {}
        for direction, pairs in self.validation.items():
            plan = plan_batches(pairs.source_lengths, pairs.target_lengths, self.config.pass_tokens)
            losses[str(direction)] = self._loss(direction, pairs, plan, [step, 1])
        return losses

    def _loss(self, direction: Direction, pairs: Pairs, plan: list[NDArray[np.int64]], key: list[int]) -> Loss:
        """Return a function that computes the mean smoothed loss per token of one sub-batch of a plan, chosen by the
        key."""
        rng = np.random.default_rng([self.config.seed, direction.random_key, *key])
        indices = plan[rng.integers(len(plan))]

        def compute() -> Tensor:
            batch = collate(pairs, indices, self.stream.vocabulary, direction).to(self.model.device)
            with torch.autocast(batch.labels.device.type, self.autocast, enabled=self.autocast is not None):
                loss, _ = batch_losses(self.model, batch, self.config.label_smoothing)
            return loss / batch.tokens

        return compute
