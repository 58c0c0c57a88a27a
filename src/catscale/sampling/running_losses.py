"""The training losses of named tasks since a sampler was last given them.

Legend: N tasks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from catscale.errors import CheckpointError


class RunningLosses:
    """Sums of the NLL and of the target tokens of each task.

    Example:
        >>> losses = RunningLosses(["en-az", "en-fr"])
        >>> losses.add({"en-fr": 6.0}, {"en-fr": 2})
        >>> losses.take()
        {'en-fr': 3.0}
        >>> losses.take()
        {}

    Args:
        tasks: All N.
    """

    def __init__(self, tasks: Sequence[str]) -> None:
        self.tasks = list(tasks)
        self._clear()

    def _clear(self) -> None:
        self.nats, self.tokens = (torch.zeros(len(self.tasks), dtype=torch.float64) for _ in range(2))

    def add(self, nats: Mapping[str, float], tokens: Mapping[str, float]) -> None:
        """Add the NLL of a step by task, nats summed over its target tokens, and these tokens."""
        for task, value in nats.items():
            place = self.tasks.index(task)
            self.nats[place] += value
            self.tokens[place] += tokens[task]

    def take(self) -> dict[str, float]:
        """Return the mean NLL of the tasks that had any, nats per target token, and begin again."""
        means = (self.nats / self.tokens).tolist()
        found = {task: means[place] for place, task in enumerate(self.tasks) if self.tokens[place] > 0}
        self._clear()
        return found

    def state_dict(self) -> dict[str, Tensor]:
        """Return copies of the sums."""
        return {"nats": self.nats.clone(), "tokens": self.tokens.clone()}

    def load_state_dict(self, content: Any) -> None:
        """Restore what `state_dict` returned.

        Raises:
            CheckpointError: If it is nothing of the kind.
        """
        saved = [content.get(name) for name in ("nats", "tokens")] if isinstance(content, Mapping) else []
        sums = [value.detach().cpu().clone() for value in saved if isinstance(value, Tensor) and self._is_sum(value)]
        if len(sums) != 2:
            raise CheckpointError(
                f"the saved sampler must hold the sums of losses and tokens of {', '.join(self.tasks)}, found others; "
                "load another checkpoint"
            )
        self.nats, self.tokens = sums

    def _is_sum(self, value: Tensor) -> bool:
        is_like = value.shape == self.nats.shape and value.dtype == self.nats.dtype
        return is_like and bool(value.isfinite().all())
