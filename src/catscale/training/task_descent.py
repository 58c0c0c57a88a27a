"""The tasks of a training step one by one, as optimisers ask for them that look at each at a point of its own.

Legend: K tasks in the step, L_n loss of task n, A the balancing method.

Gradients are computed by `torch.autograd.grad`, which leaves `.grad` alone, and handed to the balancer as losses with
given gradients (`catscale.balancing.engine.given`): it measures and combines them as it does any others.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

from catscale.balancing import BalancedStep
from catscale.balancing.engine.generators import RandomState
from catscale.balancing.engine.given import given_loss
from catscale.balancing.engine.losses import check_finite, sum_lists
from catscale.balancing.engine.ranks import Ranks
from catscale.optimisation.task_descent import TaskVector
from catscale.training.setup import TrainingSetup
from catscale.training.step_losses import StepLosses


class StepTasks:
    """The tasks of one step, see `catscale.optimisation.task_descent.TaskDescent`.

    Args:
        setup: The run's parts.
        prepared: The losses of the step.
        named: The trainable parameters by name.
    """

    def __init__(self, setup: TrainingSetup, prepared: StepLosses, named: Mapping[str, Tensor]) -> None:
        self.balancer, self.model, self.stream = setup.balancer, setup.model, setup.stream
        self.prepared, self.names, self.parameters = prepared, list(named), list(named.values())
        self.tasks = list(prepared.counts)
        self._device, self._ranks = setup.processes.device, Ranks(self.parameters)
        self._random: dict[str, RandomState] = {}
        self._losses: dict[str, float] = {}
        self._state = self.balancer.state

    @property
    def is_linear(self) -> bool:
        """Whether the weights of this step are known, and the balancing method measures none of its gradients."""
        balancer = self.balancer
        ids = torch.tensor([balancer.tasks.index(task) for task in self.tasks])
        return balancer.request.kind == "nothing" and balancer.method.weights(balancer.state, ids) is not None

    def epochs(self, task: str) -> float:
        """Return how often the run has gone through the task's training pairs, this step's included."""
        return self.stream.epochs(task)

    def gradient(self, task: str) -> TaskVector:
        """Return ∇L_n at the parameters as they are, summed over the processes, with one dropout mask in all calls.

        Raises:
            DivergedError: If it, or the loss, is not finite.
        """
        total: list[Tensor | None] = [None] * len(self.parameters)
        values: list[Tensor] = []
        with self._random_of(task):
            for part in self.prepared.losses.get(task, []):
                loss = part()
                found = torch.autograd.grad(loss, self.parameters, allow_unused=True)
                total = [a if b is None else b if a is None else a + b for a, b in zip(total, found, strict=True)]
                values.append(loss.detach())
        total = self._ranks.sum_gradients(self.parameters, total)
        value = self._ranks.sum(sum_lists([values]).cpu())
        check_finite([task], value, "loss")
        norm = torch.nn.utils.get_total_norm([gradient for gradient in total if gradient is not None])
        check_finite([task], norm.reshape(1), "gradient")
        self._losses.setdefault(task, value.item())
        return total

    def loss(self, task: str) -> float:
        """Return L_n at the parameters as they are, summed over the processes, without dropout.

        Raises:
            DivergedError: If it is not finite.
        """
        training = [module for module in self.model.modules() if module.training]
        self.model.eval()
        try:
            with torch.no_grad():
                values = [part() for part in self.prepared.losses.get(task, [])]
        finally:
            for module in training:
                module.training = True
        value = self._ranks.sum(sum_lists([values]).cpu())
        check_finite([task], value, "loss")
        return value.item()

    def combine(self, vectors: Mapping[str, Callable[[], TaskVector]]) -> BalancedStep:
        """Add A of vectors to `.grad`, and move the balancing method's state.

        Raises:
            DivergedError: If one is not finite.
        """
        self._state = self.balancer.state
        return self.balancer.backward({task: partial(self._given, task, vectors[task]) for task in self.tasks})

    def combine_more(self, vectors: Mapping[str, TaskVector], with_same_weights: bool) -> None:
        """Add A of more vectors, from the state before `combine`, or with the weights that it found.

        Raises:
            DivergedError: If one is not finite.
        """
        losses = {task: partial(self._given, task, partial(vectors.__getitem__, task)) for task in self.tasks}
        if with_same_weights:
            self.balancer.repeat(losses)
            return
        following, self.balancer.state = self.balancer.state, self._state
        try:
            self.balancer.backward(losses)
        finally:
            self.balancer.state = following

    def _given(self, task: str, vector: Callable[[], TaskVector]) -> Tensor:
        """Return a task's loss at θ with a gradient that is given: this process's equal share of both."""
        size = self._ranks.size
        gradients = vector()
        if size > 1:
            gradients = [None if gradient is None else gradient / size for gradient in gradients]
        return given_loss(self._losses[task] / size, gradients, self.parameters)

    @contextmanager
    def _random_of(self, task: str) -> Iterator[None]:
        """Draw the task's random numbers inside the block: new ones the first time, which later blocks repeat."""
        after = RandomState.capture(self._device)
        first = self._random.setdefault(task, after)
        if first is after:
            yield
            return
        first.restore()
        try:
            yield
        finally:
            after.restore()
