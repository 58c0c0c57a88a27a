"""The dropout of the tasks of a run, in the place of the model's for their passes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch.nn import Module

from catscale.errors import ConfigError
from catscale.training.repetition import RepeatedDropout
from catscale.training.stream import MixtureStream


class DropoutByTask:
    """Puts a task's dropout in the place of the model's for a pass.

    Args:
        settings: Say how it rises.
        model: A model with Transformer layers as transformers' M2M-100 has them.
        stream: Knows how often each task was gone through.

    Raises:
        ConfigError: If the model has no such layers, or drops as much already.
    """

    def __init__(self, settings: RepeatedDropout, model: Module, stream: MixtureStream) -> None:
        self.settings, self.stream = settings, stream
        self._places = find_dropouts(model)
        if not self._places:
            raise ConfigError(
                "training.repeated_dropout sets the dropout of Transformer layers, and the model has none; leave it out"
            )
        self.first = float(self._places[0].dropout)
        if settings.most <= self.first:
            raise ConfigError(
                f"training.repeated_dropout.most must be above the model's dropout, {self.first:g}, found "
                f"{settings.most:g}; raise it, or lower model.dropout"
            )

    def share(self, task: str) -> float:
        """Return the dropout of a task's passes now."""
        return self.settings.share(self.first, self.stream.epochs(task))

    def describe(self) -> dict[str, float]:
        """Return the present dropout of every task."""
        return {task: self.share(task) for task in self.stream.sampler.tasks}

    @contextmanager
    def at(self, share: float) -> Iterator[None]:
        """Let the model drop this share inside the block."""
        for place in self._places:
            place.dropout = share
        try:
            yield
        finally:
            for place in self._places:
                place.dropout = self.first


def find_dropouts(model: Module) -> list[Any]:
    """Return the modules whose attribute `dropout` is that of embeddings and sub-layer outputs: sides and layers."""
    return [
        module
        for module in model.modules()
        if isinstance(getattr(module, "dropout", None), float)
        and (hasattr(module, "self_attn") or hasattr(module, "layers"))
    ]
