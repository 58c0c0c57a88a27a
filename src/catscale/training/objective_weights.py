"""The weight of each task's mean loss in the objective that a run descends."""

import math

from catscale.balancing import TaskBalancer
from catscale.training.stream import MixtureStream


def objective_weights(balancer: TaskBalancer, stream: MixtureStream, step: int) -> dict[str, float] | None:
    """Return the α_n of Σ_n α_n L_n, L_n the mean loss per token of task n, as step number `step` uses it.

    Where the method weights the mean losses of tasks, α is its weights. Where it weights tokens (plain training), the
    loss of a step is a mean over its tokens, so that in expectation α_n is the weight times the task's share of the
    tokens: Σα is 1 for equal weights, as it is for CATS.

    Returns:
        None where the weights follow from the gradients of the coming step.
    """
    weights = balancer.weights
    if any(math.isnan(weight) for weight in weights.values()):
        return None
    if balancer.method.losses == "tasks":
        return weights
    shares = stream.token_shares(step).tolist()
    return {task: weight * share for (task, weight), share in zip(weights.items(), shares, strict=True)}
