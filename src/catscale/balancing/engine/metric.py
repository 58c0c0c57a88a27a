"""The metric that products of gradients are taken in: Euclidean, or the one in which the optimiser steps."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from catscale.balancing.contract import Request
from catscale.balancing.engine.adam_metric import make_scales
from catscale.balancing.engine.gramian import GradientRow, Scales
from catscale.errors import ConfigError
from catscale.system.misuse import describe


class StepMetric:
    """Finds the metric of a request.

    Args:
        parameters: The shared parameters.
        is_sharded: Whether each process holds a shard of every parameter.
    """

    def __init__(self, parameters: Sequence[Tensor], is_sharded: bool) -> None:
        self.parameters, self.is_sharded = parameters, is_sharded
        self.optimizer: Optimizer | None = None

    def follow(self, optimizer: Any) -> None:
        """Take the metric from an optimiser.

        Raises:
            ConfigError: If it is none of PyTorch's kind.
        """
        if not isinstance(optimizer, Optimizer):
            raise ConfigError(f"use_metric_of takes a torch optimiser, found {describe(optimizer)}; give the AdamW")
        self.optimizer = optimizer

    def check(self, method: str, request: Request) -> None:
        """Refuse a request in a metric that is not to be had.

        Args:
            method: Name of the method that asks.
            request: The request to check.

        Raises:
            ConfigError: If it is Adam's, and the model is sharded, no optimiser is known or it is of another kind.
        """
        if request.metric == "euclidean":
            return
        if self.is_sharded:
            raise ConfigError(
                f"{method} asks for products in Adam's metric, whose mean over all parameters no process of a sharded "
                "model knows; set metric: euclidean, or train without sharding"
            )
        if self.optimizer is None:
            raise ConfigError(
                f"{method} asks for products in Adam's metric, and no optimiser is known; call "
                "balancer.use_metric_of(optimizer) before the first backward, or set metric: euclidean"
            )
        groups = self.optimizer.param_groups
        moved = {id(parameter) for group in groups for parameter in group["params"]}
        if not all(id(parameter) in moved for parameter in self.parameters):
            raise ConfigError(
                f"{method} asks for products in Adam's metric, found shared parameters that the optimiser does not "
                "move; give the one that does, or set metric: euclidean"
            )
        if not all("betas" in group and self._has_moments(group["params"]) for group in groups):
            raise ConfigError(
                f"{method} asks for products in Adam's metric, found {type(self.optimizer).__name__}, which keeps no "
                "second moments as exp_avg_sq; train with AdamW, or set metric: euclidean"
            )

    def _has_moments(self, parameters: Sequence[Tensor]) -> bool:
        """Return whether all of them that were moved have second moments."""
        assert self.optimizer is not None
        states = [self.optimizer.state.get(parameter) for parameter in parameters]
        return all("exp_avg_sq" in state for state in states if state)

    def scales(self, request: Request) -> Scales:
        """Return the factors on each parameter's gradient; none where they are 1, as before Adam's first update."""
        return () if request.metric == "euclidean" else make_scales(self.optimizer, self.parameters)


def in_metric(gradient: GradientRow, scales: Scales) -> list[Tensor | None]:
    """Return P⁻¹ g, whose Euclidean products are those with g in a metric.

    Args:
        gradient: g, a tensor for each parameter, None where it is zero.
        scales: P^(−½), none where P is 1.
    """
    if not scales:
        return list(gradient)
    return [None if part is None else part * scale.square() for part, scale in zip(gradient, scales, strict=True)]
